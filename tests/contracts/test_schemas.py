"""The committed schemas say what is written, and no file drifts from its model."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from slotwire_contracts import CATALOG, encode, schema_uri
from slotwire_contracts.generate import SCHEMAS, main
from support.arbitrary_events import EVENTS
from support.reservations import an_event

COMMITTED = {name: json.loads((SCHEMAS / f"{name}.json").read_text()) for name in ("envelope", *CATALOG)}
VALIDATORS = {name: Draft202012Validator(schema) for name, schema in COMMITTED.items()}


def problems(content: dict[str, Any]) -> list[str]:
    found = [*VALIDATORS["envelope"].iter_errors(content), *VALIDATORS[content["type"]].iter_errors(content["data"])]
    return [error.message for error in found]


@given(EVENTS)
def test_whatever_is_written_obeys_the_committed_schemas(event: Any) -> None:
    """Standard Webhooks: «A payload associated with an event type should always have the same schema.»"""
    assert problems(json.loads(encode(event))) == []


def test_the_schemas_are_sound_and_name_themselves_as_the_events_do() -> None:
    for name, schema in COMMITTED.items():
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"] == schema_uri(name)


def test_the_schemas_refuse_what_is_never_written() -> None:
    content = json.loads(encode(an_event()))
    resource = content["data"]["resource"]
    spoilt = [
        {**content, "sequence": 0},
        {**content, "actor": None},
        {**content, "time": "2024-01-02 12:30"},
        {key: value for key, value in content.items() if key != "orgid"},
        {**content, "data": {**content["data"], "resource": {**resource, "start_time": "2024-02-15T10:00:00.5Z"}}},
        {**content, "data": {**content["data"], "resource": {**resource, "status": "confirmed"}}},
        {**content, "data": {**content["data"], "change": {}}},
    ]
    assert all(problems(each) for each in spoilt)


def test_the_committed_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_the_check_shows_what_drifted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--out", str(tmp_path)])
    assert main(["--check", "--out", str(tmp_path)]) == 0
    changed = tmp_path / "reservation.created.json"
    changed.write_text(changed.read_text().replace("party_size", "guests"))
    (tmp_path / "reservation.late.json").unlink()
    shutil.copy(SCHEMAS / "envelope.json", tmp_path / "stale.json")
    assert main(["--check", "--out", str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert "guests" in shown
    assert "generated/reservation.late.json" in shown
    assert "committed/stale.json" in shown


def test_generating_mends_what_drifted(tmp_path: Path) -> None:
    (tmp_path / "stale.json").write_text("{}")
    main(["--out", str(tmp_path)])
    assert main(["--check", "--out", str(tmp_path)]) == 0
