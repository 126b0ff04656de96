"""The committed OpenAPI document is well-formed, and what it lacks of what is made now is shown.

That it is what the services say of themselves is checked by `make lint`, and where all of them run.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from jsonschema_rs import ValidationError

from devstack.gateway import route
from devstack.openapi import DOCUMENT, drift
from devstack.services import SERVICES

COMMITTED = json.loads(DOCUMENT.read_text())
NAMES = [service.name for service in SERVICES]


def test_it_is_openapi_by_its_own_rules() -> None:
    schemathesis.openapi.from_dict(COMMITTED).validate()
    spoilt = {**COMMITTED, "info": {"title": "Slotwire"}}
    with pytest.raises(ValidationError, match="version"):
        schemathesis.openapi.from_dict(spoilt).validate()


def pointers(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for child in node.values():
            yield from pointers(child)
    elif isinstance(node, list):
        for child in node:
            yield from pointers(child)
    elif isinstance(node, str) and node.startswith("#/"):
        yield node


def test_whatever_it_points_to_is_there() -> None:
    found, components = set(pointers(COMMITTED)), COMMITTED["components"]
    assert found <= {f"#/components/{kind}/{name}" for kind in components for name in components[kind]}
    assert len(found) > 100


def test_what_drifted_is_shown(tmp_path: Path) -> None:
    written, wanted = tmp_path / "openapi.json", DOCUMENT.read_text()
    assert any('"party_size"' in line for line in drift(written, wanted))
    written.write_text(wanted.replace('"party_size"', '"guests"', 1))
    shown = list(drift(written, wanted))
    assert any(line.startswith("-  ") and '"guests"' in line for line in shown)
    written.write_text(wanted)
    assert list(drift(written, wanted)) == []


def test_every_service_is_in_it() -> None:
    """Of each at least what the seeds ask of it; that nothing lacks follows from the check."""
    targets = {path: route(path, dict.fromkeys(NAMES, "")) for path in COMMITTED["paths"]}
    assert {target.service for target in targets.values() if target is not None} == set(NAMES)
    assert targets.keys() >= {
        "/api/v1/bookings",
        "/v1/reservations/{id}/events",
        "/v2/settings/services",
        "/api/v1/waitlist/{id}/convert",
        "/platform/v1/scheduling/waitlist",
        "/api/v1/webhooks/subscriptions",
        "/api/bookings/sync-calcom",
        "/api/v1/integrations/calcom/webhook/{org}",
    }


def test_what_services_answer_alike_is_described_once() -> None:
    schemas = COMMITTED["components"]["schemas"]
    assert {"ErrorAnswer", "ErrorBody"} <= schemas.keys()
    assert not {f"{service}ErrorAnswer" for service in ("Booking", "Waitlist")} & schemas.keys()
