"""Several services' documents become one that says no more, no less and nothing else."""

import copy
from typing import Any

import pytest

from devstack.merging import MergeError, merge

Document = dict[str, Any]


def a_document(path: str, schemas: Document, *, answer: str = "Answer") -> Document:
    operation = {
        "operationId": f"get_{path}",
        "responses": {
            "200": {
                "description": "Done.",
                "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{answer}"}}},
            }
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Of {path}", "version": "0.1.0"},
        "security": [{"bearer": []}],
        "paths": {path: {"get": operation}},
        "components": {
            "schemas": schemas,
            "headers": {"Retry-After": {"schema": {"type": "integer"}}},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Document = {"type": "string"}
NUMBER: Document = {"type": "integer"}
BOOKINGS, WAITLIST = "/api/v1/bookings", "/api/v1/waitlist"


def merged(booking: Document, waitlist: Document) -> Document:
    return merge({"booking": booking, "waitlist": waitlist}, title="All", description="Of all.")


def answer_of(document: Document, path: str) -> str:
    schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return str(schema["$ref"]).removeprefix("#/components/schemas/")


def test_it_has_every_operation_of_each() -> None:
    document = merged(a_document(BOOKINGS, {"Answer": TEXT}), a_document(WAITLIST, {"Answer": TEXT}))
    assert document["info"] == {"title": "All", "version": "0.1.0", "description": "Of all."}
    assert document["paths"].keys() == {BOOKINGS, WAITLIST}
    assert document["components"]["headers"].keys() == {"Retry-After"}
    assert document["components"]["securitySchemes"].keys() == {"bearer"}


def test_it_has_the_answers_of_the_gateway_too() -> None:
    own = a_document(BOOKINGS, {"Answer": TEXT})
    own["paths"][BOOKINGS]["get"]["responses"]["504"] = {"description": "`too_slow`", "content": {}}
    document = merged(own, a_document(WAITLIST, {"Answer": TEXT}))
    answers = document["paths"][BOOKINGS]["get"]["responses"]
    assert list(answers) == ["200", "502", "504"]
    assert answers["502"] == {"$ref": "#/components/responses/BadGateway"}
    assert answers["504"]["description"].startswith("`too_slow`, `gateway_timeout`")
    assert document["components"]["responses"].keys() == {"BadGateway", "GatewayTimeout"}


def test_what_is_the_same_everywhere_is_there_once() -> None:
    document = merged(a_document(BOOKINGS, {"Answer": TEXT}), a_document(WAITLIST, {"Answer": TEXT}))
    assert document["components"]["schemas"] == {"Answer": TEXT}


def test_what_differs_is_named_after_its_service() -> None:
    document = merged(a_document(BOOKINGS, {"Answer": TEXT}), a_document(WAITLIST, {"Answer": NUMBER}))
    assert document["components"]["schemas"] == {"BookingAnswer": TEXT, "WaitlistAnswer": NUMBER}
    assert (answer_of(document, BOOKINGS), answer_of(document, WAITLIST)) == ("BookingAnswer", "WaitlistAnswer")


def test_what_differs_by_what_it_refers_to_differs_too() -> None:
    """However far the difference is away: `Answer` and `Between` read alike in both."""
    alike = {"Answer": {"items": ref("Between")}, "Between": {"anyOf": [ref("Leaf"), TEXT]}, "Same": TEXT}
    document = merged(
        a_document(BOOKINGS, {**alike, "Leaf": TEXT}),
        a_document(WAITLIST, {**alike, "Leaf": NUMBER, "Own": ref("Leaf")}),
    )
    schemas = document["components"]["schemas"]
    assert schemas.keys() == {"Same", "Own"} | {
        f"{service}{name}" for service in ("Booking", "Waitlist") for name in ("Answer", "Between", "Leaf")
    }
    assert schemas["WaitlistAnswer"] == {"items": ref("WaitlistBetween")}
    assert schemas["WaitlistBetween"] == {"anyOf": [ref("WaitlistLeaf"), TEXT]}
    assert schemas["Own"] == ref("WaitlistLeaf")


def test_schemas_that_refer_to_each_other_are_followed_to_their_end() -> None:
    round_trip = {"Answer": ref("Back"), "Back": {"items": ref("Answer")}}
    document = merged(a_document(BOOKINGS, round_trip), a_document(WAITLIST, copy.deepcopy(round_trip)))
    assert document["components"]["schemas"] == round_trip


def test_a_discriminator_leads_to_the_new_names() -> None:
    def choosing(leaf: Document) -> Document:
        return {
            "Answer": {"oneOf": [ref("Leaf")], "discriminator": {"mapping": {"a": ref("Leaf")["$ref"]}}},
            "Leaf": leaf,
        }

    document = merged(a_document(BOOKINGS, choosing(TEXT)), a_document(WAITLIST, choosing(NUMBER)))
    answer = document["components"]["schemas"]["WaitlistAnswer"]
    assert answer["discriminator"]["mapping"] == {"a": "#/components/schemas/WaitlistLeaf"}


@pytest.mark.parametrize(
    ("path", "schemas", "other", "problem"),
    [
        (BOOKINGS, {"Answer": TEXT}, {}, f"waitlist: the gateway does not lead {BOOKINGS} there"),
        (WAITLIST, {"Answer": TEXT}, {"info": {"version": "0.2.0"}}, "do not agree on version"),
        (WAITLIST, {"Answer": TEXT}, {"security": []}, "do not agree on security"),
        (
            WAITLIST,
            {"Answer": NUMBER, "WaitlistAnswer": TEXT},
            {},
            "what Waitlist is put before has a namesake",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(path: str, schemas: Document, other: Document, problem: str) -> None:
    with pytest.raises(MergeError, match=problem):
        merged(a_document(BOOKINGS, {"Answer": TEXT}), {**a_document(path, schemas), **other})


def test_a_component_of_two_meanings_is_refused() -> None:
    other = a_document(WAITLIST, {"Answer": TEXT})
    other["components"]["headers"]["Retry-After"] = {"schema": TEXT}
    with pytest.raises(MergeError, match=r"components\.headers\.Retry-After means several things"):
        merged(a_document(BOOKINGS, {"Answer": TEXT}), other)


def test_operations_that_cannot_be_told_apart_are_refused() -> None:
    booking, waitlist = a_document(BOOKINGS, {"Answer": TEXT}), a_document(WAITLIST, {"Answer": TEXT})
    waitlist["paths"][WAITLIST]["get"]["operationId"] = booking["paths"][BOOKINGS]["get"]["operationId"]
    with pytest.raises(MergeError, match=f"GET {WAITLIST} has the operationId of GET {BOOKINGS}"):
        merged(booking, waitlist)
