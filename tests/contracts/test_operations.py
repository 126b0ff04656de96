"""Nothing that an older caller could not do, or could not read, is published unnoticed."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from slotwire_contracts.acceptance import compare
from slotwire_contracts.comparing import Node
from slotwire_contracts.generate import SCHEMAS
from slotwire_contracts.operations import FILE_NAME, findings

BOOKINGS, BOOKING = "/api/v1/bookings", "/api/v1/bookings/{id}"
RECEIVER = "/api/v1/integrations/calcom/webhook/{org}"
WHOLE = json.loads((SCHEMAS / "baseline" / FILE_NAME).read_text())
PATHS = (BOOKINGS, BOOKING, RECEIVER, f"{BOOKINGS}/bulk-status", "/api/v1/tables")
BASELINE = {**WHOLE, "paths": {path: WHOLE["paths"][path] for path in PATHS}}

Document = dict[str, Any]
Edit = Callable[[Document, Document], object]
"""Changes a document, which is given as its paths and its schemas."""


def found(edit: Edit) -> list[str]:
    changed = copy.deepcopy(BASELINE)
    edit(changed["paths"], changed["components"]["schemas"])
    return [str(finding) for finding in findings(BASELINE, changed)]


def parameter(paths: Document, name: str) -> Document:
    """A parameter of the list of bookings."""
    one: Document
    (one,) = (each for each in paths[BOOKINGS]["get"]["parameters"] if each["name"] == name)
    return one


@pytest.mark.parametrize(
    ("edit", "finding"),
    [
        (lambda p, _: p.pop(BOOKING), "GET /api/v1/bookings/{id}: is gone"),
        (lambda p, _: p[BOOKING].pop("delete"), "DELETE /api/v1/bookings/{id}: is gone"),
        # What is answered.
        (lambda _, s: s["Reservation"]["properties"].pop("title"), "GET /api/v1/bookings 200.data[].title: is gone"),
        (lambda _, s: s["Reservation"]["required"].remove("title"), "POST /api/v1/bookings 201.data.title: may now be"),
        (lambda _, s: s["Table"]["properties"].update(name={"type": "integer"}), "name: may now be of type integer"),
        (lambda _, s: s["Table"]["properties"]["name"].pop("type"), "data.name: may now be of any type"),
        (lambda _, s: s["ReservationStatus"]["enum"].remove("LATE"), 'data.status: is never "LATE" any more'),
        (lambda _, s: s["ReservationStatus"]["enum"].append("LOST"), 'data.status: may now be "LOST"'),
        (lambda p, _: p[BOOKING]["get"]["responses"].pop("404"), "GET /api/v1/bookings/{id} 404: is answered no more"),
        (
            lambda p, _: p[BOOKINGS]["post"]["responses"].update({"202": {"description": "Later."}}),
            "POST /api/v1/bookings 202: is answered now",
        ),
        (
            lambda p, _: p[BOOKINGS]["get"]["responses"]["200"].pop("content"),
            "GET /api/v1/bookings 200: is no longer told as application/json",
        ),
        (
            lambda p, _: p[BOOKINGS]["get"]["responses"]["429"]["headers"].pop("Retry-After"),
            "GET /api/v1/bookings 429 header Retry-After: is gone",
        ),
        # What is sent.
        (
            lambda _, s: s["NewTable"]["required"].append("section_id"),
            "POST /api/v1/tables body.section_id: must now be",
        ),
        (
            lambda _, s: (
                s["NewTable"]["properties"].update(colour={"type": "string"}),
                s["NewTable"]["required"].append("colour"),
            ),
            "POST /api/v1/tables body.colour: must now be sent",
        ),
        (lambda _, s: s["NewTable"]["properties"].pop("combinable"), "body.combinable: is no longer taken"),
        (lambda _, s: s["NewTable"]["properties"]["max_party"].update(maximum=12), "was tightened from 1000 to 12"),
        (lambda _, s: s["NewTable"]["properties"]["name"].update(pattern="^[A-Z]"), "its pattern changed from None"),
        (lambda _, s: s["NewTable"]["properties"]["min_party"].update(default=2), "left out, it was 1 and is now 2"),
        (
            lambda _, s: s["NewTable"]["properties"]["min_party"].pop("default"),
            "left out, it was 1 and is now 'nothing'",
        ),
        (
            lambda _, s: s["NewTable"]["properties"]["section_id"]["anyOf"].pop(),
            "POST /api/v1/tables body.section_id: is no longer taken as null",
        ),
        (
            lambda _, s: s["Status"]["enum"].remove("NO_SHOW"),
            'get /api/v1/bookings query status: is no longer taken as "NO_',
        ),
        (lambda _, s: s["BulkStatus"]["properties"]["ids"].update(maxItems=2), "body.ids: its maxItems was tightened"),
        (
            lambda p, _: p[BOOKING]["patch"].pop("requestBody"),
            "PATCH /api/v1/bookings/{id} body: is no longer taken as app",
        ),
        (
            lambda p, _: p[BOOKING]["delete"].update(requestBody={"required": True, "content": {}}),
            "DELETE /api/v1/bookings/{id} body: must now be sent",
        ),
        # Parameters.
        (
            lambda p, _: parameter(p, "limit").update(required=True),
            "GET /api/v1/bookings query limit: must now be sent",
        ),
        (
            lambda p, _: parameter(p, "limit").update(name="size"),
            "GET /api/v1/bookings query limit: is no longer taken",
        ),
        (lambda p, _: parameter(p, "limit")["schema"].update(maximum=10), "query limit: its maximum was tightened"),
        (lambda p, _: parameter(p, "limit")["schema"].update(default=5), "left out, it was 50 and is now 5"),
        (
            lambda p, _: p[BOOKINGS]["get"]["parameters"].append({"name": "X", "in": "header", "required": True}),
            "GET /api/v1/bookings header x: must now be sent",
        ),
        # Keys.
        (lambda p, _: p[RECEIVER]["post"].pop("security"), "{org}: now asks for a key"),
        (
            lambda p, _: p[BOOKINGS]["get"]["security"].pop(),
            "GET /api/v1/bookings: is no longer open to apiKey bookings.read",
        ),
        (
            lambda p, _: p[BOOKINGS]["get"]["security"][0].update(bearer=["bookings.manage"]),
            "GET /api/v1/bookings: is no longer open to bearer bookings.read",
        ),
        # What nobody can judge.
        (lambda _, s: s["NewTable"].update({"not": {}}), "POST /api/v1/tables body: its not changed"),
    ],
)
def test_a_change_that_breaks_older_callers_is_found(edit: Edit, finding: str) -> None:
    assert any(finding.lower() in each.lower() for each in found(edit)), found(edit)


@pytest.mark.parametrize(
    "edit",
    [
        lambda p, _: p.update({"/api/v1/moods": p[BOOKINGS]}),
        lambda p, _: p[BOOKING].update(put=p[BOOKING]["patch"]),
        lambda p, _: p[BOOKINGS]["get"].update(summary="Other words", operationId="another"),
        lambda p, _: p[BOOKINGS]["get"]["responses"].update({"410": {"description": "Gone."}}),
        lambda p, _: p[BOOKINGS]["get"]["parameters"].append(
            {"name": "mood", "in": "query", "required": False, "schema": {"type": "string"}}
        ),
        lambda p, _: [each.update(name=each["name"].upper()) for each in p[BOOKING]["patch"]["parameters"][1:]],
        lambda p, _: parameter(p, "limit")["schema"].update(maximum=1000),
        lambda p, _: p[BOOKING]["patch"]["requestBody"].update(required=False),
        lambda p, _: p[BOOKINGS]["get"]["security"].append({"mutualTLS": []}),
        lambda p, _: p[BOOKINGS]["get"].update(security=[]),
        lambda _, s: s["Reservation"]["properties"].update(mood={"type": "string"}),
        lambda _, s: s["NewTable"]["properties"].update(mood={"type": "string"}),
        lambda _, s: s["NewTable"]["required"].remove("name"),
        lambda _, s: s["NewTable"]["properties"]["name"].pop("maxLength"),
        lambda _, s: s["NewTable"]["properties"]["max_party"].update(type=["integer", "string"]),
        lambda _, s: s["Status"]["enum"].append("LOST"),
        lambda _, s: s["NewTable"].update(additionalProperties=True),
    ],
)
def test_a_change_that_older_callers_do_not_notice_is_not_found(edit: Edit) -> None:
    assert found(edit) == []


def test_a_schema_under_another_name_is_the_same_schema() -> None:
    text = json.dumps(WHOLE).replace('"Reservation"', '"Visit"').replace('schemas/Reservation"', 'schemas/Visit"')
    assert '"Visit"' in text
    assert list(findings(WHOLE, json.loads(text))) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ({}, {"type": "string"}, "s: is now taken as string alone"),
        ({"type": "string"}, {}, None),
        ({"type": "integer"}, {"type": "number"}, None),
        ({"type": "number"}, {"type": "integer"}, "s: is no longer taken as number"),
        ({"type": "string"}, {"enum": ["a"]}, 's: is now taken as "a" alone'),
        ({"enum": ["a"], "type": "string"}, {"type": "string"}, None),
        ({"const": "a"}, {"enum": ["a", "b"]}, None),
        (
            {"oneOf": [{"type": "string"}, {"type": "null"}]},
            {"anyOf": [{"type": "string"}]},
            "s: is no longer taken as null",
        ),
        ({"type": "string"}, {"anyOf": [{"type": "integer"}, {"type": "string"}]}, None),
        ({"format": "date"}, {}, None),
        ({}, {"format": "date"}, "s: its format changed from None to date"),
        ({"minimum": 1}, {"minimum": 0}, None),
        ({"items": {"type": "string"}}, {}, None),
        ({}, {"items": {"type": "string"}}, "s[]: is now taken as string alone"),
        ({"additionalProperties": True}, {"additionalProperties": False}, "s.*: is no longer taken"),
        ({"additionalProperties": False}, {"additionalProperties": {"type": "string"}}, None),
        (
            {"additionalProperties": {"type": "integer"}},
            {"additionalProperties": {"type": "string"}},
            "s.*: is no longer taken as integer",
        ),
        (
            {"properties": {"a": {"type": "integer"}}, "additionalProperties": False},
            {"additionalProperties": {"type": "string"}},
            "s.a: is no longer taken as integer",
        ),
    ],
)
def test_what_may_be_sent_is_judged(old: Document, new: Document, problem: str | None) -> None:
    judged = compare(Node(old, old), Node(new, new), "s")
    assert [str(finding) for finding in judged] == ([problem] if problem else [])
