"""Nothing that an older consumer could not read is published unnoticed."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slotwire_contracts.compatibility import compare, main
from slotwire_contracts.generate import SCHEMAS
from slotwire_contracts.readability import findings

BASELINE = SCHEMAS / "baseline"
UPDATED = json.loads((BASELINE / "reservation.updated.json").read_text())
ENVELOPE = json.loads((BASELINE / "envelope.json").read_text())

Schema = dict[str, Any]
Edit = Callable[[Schema, Schema], object]
"""Changes a document, which is given together with its reservation."""


def edited(document: Schema, edit: Edit) -> Schema:
    changed = copy.deepcopy(document)
    edit(changed, changed["$defs"].get("Reservation", changed))
    return changed


def found(document: Schema, edit: Edit) -> list[str]:
    return [str(finding) for finding in findings(document, edited(document, edit), "s")]


def test_the_committed_files_are_readable_by_older_consumers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(BASELINE), str(SCHEMAS)]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("edit", "finding"),
    [
        (lambda _, r: r["properties"].pop("title"), "s.resource.title: is gone"),
        (lambda _, r: r["required"].remove("title"), "s.resource.title: may now be absent"),
        (lambda d, _: d["required"].remove("change"), "s.change: may now be absent"),
        (lambda _, r: r["properties"]["party_size"].update(type="string"), "may now be of type string"),
        (lambda _, r: r["properties"]["party_size"].update(type=["integer", "null"]), "may now be of type null"),
        (lambda _, r: r["properties"]["party_size"].pop("type"), "may now be of any type"),
        (lambda _, r: r["properties"].update(party_size={}), "s.resource.party_size: may now be of any type"),
        (lambda _, r: r["properties"]["title"]["anyOf"].append({"type": "integer"}), "may now be of type integer"),
        (
            lambda _, r: r["properties"].update(source={"anyOf": [{"type": "string"}, {"type": "null"}]}),
            "s.resource.source: may now be of type null",
        ),
        (lambda _, r: r["properties"]["start_time"].update(format="date"), "its format changed"),
        (lambda _, r: r["properties"]["start_time"].pop("pattern"), "its pattern changed"),
        (lambda _, r: r["properties"]["party_size"].update(minimum=0), "its minimum was loosened from 1 to 0"),
        (lambda _, r: r["properties"]["party_size"].pop("minimum"), "its minimum was loosened from 1 to none"),
        (lambda _, r: r["properties"]["table_ids"].pop("items"), "may now hold anything"),
        (
            lambda _, r: r["properties"]["table_ids"]["items"].update(type="integer"),
            "s.resource.table_ids[]: may now be of type integer",
        ),
        (lambda d, _: d["$defs"]["ReservationStatus"]["enum"].append("LOST"), 'status: may now be "LOST"'),
        (lambda d, _: d["$defs"]["ReservationStatus"]["enum"].remove("LATE"), 'is never "LATE" any more'),
        (lambda d, _: d["$defs"]["ReservationStatus"].pop("enum"), "status: may now have any value"),
        (lambda d, _: d["$defs"]["LocationType"]["enum"].append("holo"), 'location_type: may now be "holo"'),
        (lambda d, _: d["$defs"]["FieldChanges"]["properties"].pop("title"), "s.change.changes.title: is gone"),
        (lambda d, _: d["$defs"]["InstantChange"]["required"].remove("to"), "start_time.to: may now be absent"),
        (lambda d, _: d.update({"$id": "https://slotwire.dev/schemas/reservation.updated/2"}), "its $id changed"),
        (lambda _, r: r.update(patternProperties={"^x": {}}), "its patternProperties changed"),
        (lambda _, r: r["properties"]["title"].update({"not": {}}), "its not changed"),
    ],
)
def test_a_change_that_breaks_older_consumers_is_found(edit: Edit, finding: str) -> None:
    assert any(finding in each for each in found(UPDATED, edit)), found(UPDATED, edit)


@pytest.mark.parametrize(
    ("edit", "finding"),
    [
        (lambda d, _: d["properties"]["specversion"].update(const="2.0"), 's.specversion: may now be "2.0"'),
        (lambda d, _: d["properties"]["specversion"].pop("const"), "s.specversion: may now have any value"),
        (lambda d, _: d["properties"]["sequence"].update(maximum=2**63), "its maximum was loosened"),
        (lambda d, _: d["$defs"]["Actor"]["enum"].append("robot"), 's.actor: may now be "robot"'),
        (lambda d, _: d["required"].remove("orgid"), "s.orgid: may now be absent"),
    ],
)
def test_a_change_of_the_envelope_that_breaks_older_consumers_is_found(edit: Edit, finding: str) -> None:
    assert any(finding in each for each in found(ENVELOPE, edit)), found(ENVELOPE, edit)


@pytest.mark.parametrize(
    "edit",
    [
        lambda _, r: r["properties"].update(mood={"type": "string"}),
        lambda _, r: (r["properties"].update(mood={"type": "string"}), r["required"].append("mood")),
        lambda _, r: r["properties"].update(title={"type": "string"}),
        lambda _, r: r["properties"]["party_size"].update(minimum=2, maximum=20),
        lambda _, r: r["properties"]["title"].update(description="Other words"),
        lambda d, _: d["$defs"]["FieldChanges"]["properties"].update(mood={"type": "object"}),
        lambda d, _: d["$defs"].update(Unused={"type": "null"}),
    ],
)
def test_a_change_that_older_consumers_do_not_notice_is_not_found(edit: Edit) -> None:
    assert found(UPDATED, edit) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ({"additionalProperties": False}, {"additionalProperties": True}, "s.*: is new where"),
        (
            {"additionalProperties": False},
            {"properties": {"a": {}}, "additionalProperties": False},
            "s.a: is new where",
        ),
        (
            {"additionalProperties": {"type": "string"}},
            {"additionalProperties": {"type": "integer"}},
            "s.*: may now be of type integer",
        ),
        ({"type": "integer"}, {"type": "number"}, "s: may now be of type number"),
        ({"type": "number"}, {"type": "integer"}, None),
        ({"additionalProperties": {"type": "string"}}, {"additionalProperties": False}, None),
        ({}, {"enum": ["a"]}, None),
        ({"required": ["a"]}, {}, "s.a: may now be absent"),
        ({"anyOf": [{"type": "string"}], "maxLength": 3}, {"anyOf": [{"type": "string"}]}, "s: its maxLength was"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "null"}]}, None),
    ],
)
def test_maps_and_numbers_are_judged(old: Schema, new: Schema, problem: str | None) -> None:
    assert [str(each)[: len(problem or "")] for each in findings(old, new, "s")] == ([problem] if problem else [])


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Copy the committed files, to be changed."""
    return Path(shutil.copytree(SCHEMAS, tmp_path / "published"))


def test_a_removed_type_is_found(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (published / "reservation.late.json").unlink()
    assert main([str(BASELINE), str(published)]) == 1
    assert capsys.readouterr().out == "reservation.late.json: is gone\n"


def test_a_new_type_is_none_of_an_older_consumers_business(published: Path) -> None:
    (published / "reservation.moved.json").write_text("{}")
    assert list(compare(BASELINE, published)) == []


@pytest.mark.parametrize(
    ("edit", "finding"),
    [
        (lambda c: c.pop("booking.events"), "booking.events: the topic is gone"),
        (
            lambda c: c["booking.events"]["messages"].pop("reservation.late"),
            "booking.events: carries reservation.late no more",
        ),
        (
            lambda c: c["booking.events"]["bindings"]["kafka"].update(partitions=24),
            "booking.events: has another number of partitions",
        ),
    ],
)
def test_a_changed_topic_is_found(published: Path, edit: Callable[[Schema], object], finding: str) -> None:
    document = json.loads((published / "asyncapi.json").read_text())
    edit(document["channels"])
    (published / "asyncapi.json").write_text(json.dumps(document))
    assert [str(each) for each in compare(BASELINE, published)] == [finding]


def test_a_removed_operation_is_found(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads((published / "openapi.json").read_text())
    del document["paths"]["/api/v1/bookings/{id}"]["patch"]
    (published / "openapi.json").write_text(json.dumps(document))
    assert main([str(BASELINE), str(published)]) == 1
    assert capsys.readouterr().out == "PATCH /api/v1/bookings/{id}: is gone\n"


def test_nothing_to_compare_with_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path), str(SCHEMAS)])
    assert ended.value.code == 2
    assert "has no schemas" in capsys.readouterr().err
