"""The settings of an integration: what may be set, who may, and what is never shown."""

from typing import Any

import pytest

from chassis.identity import KeyKind
from chassis.postgres import Database
from support.booking_service import Answer, Caller
from support.calcom_service import API_KEY, INTEGRATION, CalcomService, running_calcom_service
from support.servers import Servers

BASE_URL = "http://127.0.0.1:9"
BODY: dict[str, Any] = {"api_key": API_KEY, "base_url": BASE_URL}
DEFAULTS: dict[str, Any] = {
    "api_version": "2024-08-13",
    "pagination": "offset",
    "schedules": [],
    "default_schedule_id": None,
    "times_editable": False,
    "sync_interval_seconds": 300,
    "enabled": True,
}


async def put(caller: Caller, **fields: Any) -> Answer:
    """Set the integration of an organization."""
    return await caller.send("PUT", INTEGRATION, {**BODY, **fields})


async def test_it_is_set_read_and_deleted(admin: Caller) -> None:
    assert (await admin.get(INTEGRATION)).code == "not_found"
    made = (await put(admin)).data
    assert len(made.pop("webhook_secret")) >= 40
    assert (await admin.get(INTEGRATION)).data == made
    assert made.pop("created_at") == made.pop("updated_at")
    assert made == {**DEFAULTS, "base_url": BASE_URL, "api_key_ends": API_KEY[-4:]}
    assert (await admin.delete(INTEGRATION)).data == {"deleted": True}
    assert (await admin.get(INTEGRATION)).code == (await admin.delete(INTEGRATION)).code == "not_found"


async def test_everything_that_is_set_is_shown(admin: Caller) -> None:
    schedules: list[dict[str, Any]] = [
        {"calcom_event_type_id": 7, "schedule_id": "sch_a"},
        {"calcom_event_type_slug": "30-min", "schedule_id": "sch_b", "event_type_id": "evt_b"},
    ]
    every: dict[str, Any] = {"calcom_event_type_id": None, "calcom_event_type_slug": None, "event_type_id": None}
    wanted = {
        "base_url": "https://cal.example.com/api",
        "api_version": "2026-05-01",
        "pagination": "cursor",
        "default_schedule_id": "sch_c",
        "times_editable": True,
        "sync_interval_seconds": 60,
        "enabled": False,
    }
    await put(admin, **wanted | {"base_url": "https://cal.example.com/api/"}, schedules=schedules)
    shown = (await admin.get(INTEGRATION)).data
    assert {name: shown[name] for name in wanted} == wanted
    assert shown["schedules"] == [every | one for one in schedules]


async def test_without_a_key_the_present_one_is_kept_and_the_secret_is_shown_once(admin: Caller) -> None:
    first = (await put(admin)).data
    again = (await admin.send("PUT", INTEGRATION, {"base_url": BASE_URL, "enabled": False})).data
    assert (again["webhook_secret"], again["api_key_ends"], again["enabled"]) == (None, API_KEY[-4:], False)
    assert again["created_at"] == first["created_at"]
    rotated = (await put(admin, rotate_webhook_secret=True)).data
    assert rotated["webhook_secret"] not in {None, first["webhook_secret"]}


async def test_a_kept_key_is_never_sent_to_another_address(admin: Caller) -> None:
    """Who may set the address, but has never seen the key, cannot have it sent to themselves."""
    await put(admin)
    refused = await admin.send("PUT", INTEGRATION, {"base_url": "http://127.0.0.1:10"})
    assert (refused.status, refused.code) == (422, "validation_failed")
    assert refused.body["error"]["message"] == "api_key: must be given again when base_url changes"
    assert (await admin.get(INTEGRATION)).data["base_url"] == BASE_URL


@pytest.mark.parametrize(
    ("fields", "param", "message"),
    [
        ({"base_url": "ftp://cal.example.com"}, "base_url", "must begin with https://"),
        ({"base_url": "http://10.0.0.1/"}, "base_url", "must lead to a public address; 10.0.0.1 is refused: private"),
        ({"base_url": "https://a:b@cal.example.com"}, "base_url", "must not carry credentials; send a header instead"),
        ({"base_url": "https://cal.example.com?x=1"}, "base_url", "must not have a query"),
        ({"api_key": None}, "api_key", "must be given the first time"),
        ({"api_key": "short"}, "api_key", "String should have at least 12 characters"),
        ({"api_key": "with a line\nbreak"}, "api_key", "String should match pattern '^[\\x21-\\x7e]+$'"),
        ({"schedules": [{"schedule_id": "sch_a"}]}, "schedules.0", "must have calcom_event_type_id or"),
        (
            {"schedules": [{"schedule_id": "a", "calcom_event_type_id": 1, "calcom_event_type_slug": "b"}]},
            "schedules.0",
            "must have calcom_event_type_id or calcom_event_type_slug, one of the two",
        ),
        (
            {"schedules": [{"schedule_id": name, "calcom_event_type_id": 1} for name in "ab"]},
            "schedules.1",
            "must name an event type that no other one names",
        ),
        ({"sync_interval_seconds": 29}, "sync_interval_seconds", "Input should be greater than or equal to 30"),
        ({"pagination": "pages"}, "pagination", "Input should be 'offset' or 'cursor'"),
        ({"api_version": "latest"}, "api_version", "String should match pattern"),
        ({"enabled": "yes"}, "enabled", "Input should be a valid boolean"),
        ({"webhook_secret": "mine"}, "webhook_secret", "Extra inputs are not permitted"),
    ],
)
async def test_what_cannot_be_is_told_and_changes_nothing(
    admin: Caller, fields: dict[str, Any], param: str, message: str
) -> None:
    refused = await put(admin, **fields)
    assert (refused.status, refused.code, refused.body["error"]["param"]) == (422, "validation_failed", param)
    assert refused.body["error"]["message"].startswith(f"{param}: {message}")
    assert (await admin.get(INTEGRATION)).status == 404


async def test_nothing_inside_is_asked_unless_an_operator_opens_it(servers: Servers) -> None:
    async with running_calcom_service(servers, calcom_allow_networks=(), calcom_allow_http=False) as strict:
        admin = await strict.caller()
        assert (await put(admin)).body["error"]["message"] == "base_url: must begin with https://"
        refused = await put(admin, base_url="https://localhost:9")
        assert "loopback" in refused.body["error"]["message"]


@pytest.mark.parametrize("kind", [KeyKind.STAFF, KeyKind.SERVICE])
async def test_only_admin_keys_may(service: CalcomService, admin: Caller, kind: KeyKind) -> None:
    await put(admin)
    other = await service.caller(admin.org_id, kind)
    weak = await service.caller(admin.org_id, scopes=frozenset({"bookings.manage"}))
    for caller in (other, weak):
        for method, body in (("GET", None), ("PUT", BODY), ("DELETE", None)):
            refused = await caller.send(method, INTEGRATION, body)
            assert (refused.status, refused.code) == (403, "forbidden")
    assert (await Caller(admin.org_id, admin.base, admin.http, {}).get(INTEGRATION)).code == "unauthenticated"
    assert (await admin.get(INTEGRATION)).status == 200


async def test_each_organization_has_its_own(service: CalcomService, admin: Caller) -> None:
    other = await service.caller()
    mine = (await put(admin)).data
    assert (await other.get(INTEGRATION)).status == (await other.delete(INTEGRATION)).status == 404
    await put(other, api_key="cal_live_of_the_other", enabled=False)
    del mine["webhook_secret"]
    assert (await admin.get(INTEGRATION)).data == mine
    assert (await other.delete(INTEGRATION)).status == 200
    assert (await admin.get(INTEGRATION)).data == mine


async def test_neither_key_nor_secret_lies_open(service: CalcomService, admin: Caller, db: Database) -> None:
    made = (await put(admin)).data
    async with db.connection() as conn:
        row = await conn.fetchval("SELECT i::text FROM integrations AS i WHERE org_id = $1", admin.org_id)
    for plain in (API_KEY, made["webhook_secret"]):
        assert plain not in row
        assert plain.encode().hex() not in row
        assert plain not in str((await admin.get(INTEGRATION)).body)
    assert service.settings.secret_key.get_secret_value() not in row
