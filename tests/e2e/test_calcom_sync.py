"""What who asks for a sync with Cal.com is told, through the gateway: seed 001's answer, or what is wrong.

Whatever is wrong is told by a code, and by words that name the field or the cause; nothing of it changes bookings, what
is known of Cal.com or the integration; what a run met is in its record, and no secret is in an answer or in a log.
"""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.identity import KeyKind
from support.booking_service import Answer, Caller
from support.calcom import Attendee, Life, Malformed, Throttle
from support.calcom_processes import RUNS, SYNC, Office, Processes, running_processes
from support.calcom_service import API_KEY, INTEGRATION
from support.servers import running_servers

pytestmark = pytest.mark.timeout(240)

TIMEOUT = 1.0  # seconds for one question to Cal.com
SEED = """curl -sS -X POST "https://app.webkasa.app/api/bookings/sync-calcom" \
-H "Content-Type: application/json" \
-d '{
"organizationId": "org_abc123",
"startDate": "2024-02-01T00:00:00Z",
"endDate": "2024-03-01T00:00:00Z"
}'"""


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Processes]:
    """Both services on servers of their own, so that nobody else carries their runs out."""
    with running_servers() as servers:
        settings = {"SLOTWIRE_CALCOM_TIMEOUT": str(TIMEOUT)}
        async with running_processes(servers, tmp_path_factory.mktemp("logs"), **settings) as both:
            yield both


@pytest.fixture
async def office(running: Processes) -> AsyncIterator[Office]:
    """An organization with an integration."""
    async with running.office() as one:
        yield one


def in_days(days: float) -> datetime:
    """A time to come, on the hour."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=days)


async def state(running: Processes, office: Office) -> list[Any]:
    """All that a sync may change."""
    return [await running.rows_of(office.admin.org_id), await office.listed()]


def check_open(running: Processes, office: Office, *answers: Answer) -> None:
    """See that no secret lies open in answers and logs."""
    for secret in (*office.secrets, "Bearer"):
        assert all(secret not in json.dumps(answer.body) for answer in answers)
        assert secret not in running.calcom.told
        assert secret not in running.booking.told


# What seed 001 shows


@pytest.mark.skipif(shutil.which("curl") is None, reason="the seed's line needs curl")
async def test_the_seeds_line_syncs_and_again_finds_nothing_to_do(running: Processes) -> None:
    """Seed 001: `{"success": true, "synced": 12, "skipped": 1}`, of February 2024."""
    begun = datetime(2024, 1, 15, 9, tzinfo=UTC)
    async with running.office(Life(now=begun)) as office:
        for day in range(12):
            office.life.create(datetime(2024, 2, 1 + 2 * day, 10, tzinfo=UTC), Attendee(f"Guest {day}"))
        office.life.create(datetime(2024, 1, 31, 23, tzinfo=UTC))  # asked for, as Cal.com leaves out what crosses
        line = SEED.replace("https://app.webkasa.app", running.gateway).replace("org_abc123", office.admin.org_id)
        line += f" -H 'Authorization: {office.admin.headers['Authorization']}'"
        told = []
        for _ in range(2):
            done = await asyncio.to_thread(
                subprocess.run, ["/bin/sh", "-euc", line], capture_output=True, text=True, check=True
            )
            told.append(json.loads(done.stdout))
        assert [list(one)[:3] for one in told] == [["success", "synced", "skipped"]] * 2
        assert [(one["success"], one["synced"], one["skipped"]) for one in told] == [(True, 12, 1), (True, 0, 13)]
        assert all(one["synced"] + one["skipped"] + one["failed"] == one["fetched"] == 13 for one in told)
        listed = await office.listed()
        assert {one["attendee_name"] for one in listed} == {f"Guest {day}" for day in range(12)}


# What Cal.com may do


Spoil = Callable[[Processes, Office], Awaitable[None]]


@dataclass(frozen=True)
class Wrong:
    """Something that is wrong with Cal.com, or with what we know of it; `code` and `words` are what is told then."""

    spoil: Spoil
    code: str
    words: str


def defects(**given: Any) -> Spoil:
    """Switch defects of the stand-in on."""

    async def spoil(_: Processes, office: Office) -> None:
        office.calcom.defects = replace(office.calcom.defects, **given)

    return spoil


def terms(**given: Any) -> Spoil:
    """Set the integration otherwise."""

    async def spoil(_: Processes, office: Office) -> None:
        fields = {name: value.format(url=office.calcom.url) for name, value in given.items()}
        assert (await office.put(**fields)).status == 200

    return spoil


async def another_key(_: Processes, office: Office) -> None:
    """Let Cal.com have forgotten the key."""
    office.calcom.key = "cal_live_another_one_altogether"


async def closed_network(running: Processes, office: Office) -> None:
    """Let the address lead to where it did not when it was set."""
    async with running.database.connection() as conn:
        await conn.execute(
            "UPDATE integrations SET base_url = 'http://10.0.0.1' WHERE org_id = $1", office.admin.org_id
        )


UNREACHABLE, MALFORMED = "calcom_unreachable", "calcom_malformed"
NOT_THERE = "there is no API of Cal.com at base_url"
WRONG = {
    "the key": Wrong(another_key, "calcom_unauthorized", "Cal.com refuses the API key (401)"),
    "nothing listens": Wrong(terms(base_url="http://127.0.0.1:9"), UNREACHABLE, "Cal.com cannot be reached: "),
    "an unknown name": Wrong(terms(base_url="http://cal.invalid"), UNREACHABLE, "Cal.com cannot be reached: "),
    "a closed network": Wrong(closed_network, UNREACHABLE, "base_url must lead to a public address; 10.0.0.1 is"),
    "another place": Wrong(terms(base_url="{url}/elsewhere"), UNREACHABLE, NOT_THERE),
    "it fails": Wrong(defects(failing=1000), UNREACHABLE, "Cal.com cannot be reached: Cal.com answers 500"),
    "it is cut": Wrong(defects(down=True), UNREACHABLE, "Cal.com cannot be reached: "),
    "it hangs": Wrong(defects(delay=30), UNREACHABLE, "Cal.com cannot be reached: no complete answer within 1 s"),
    "no JSON": Wrong(defects(malformed=Malformed.NO_JSON), MALFORMED, "Cal.com answered what is no JSON"),
    "half of a JSON": Wrong(defects(malformed=Malformed.CUT_OFF), MALFORMED, "Cal.com answered what is no JSON"),
    "no list": Wrong(defects(malformed=Malformed.NO_LIST), "calcom_wrong_version", "data is no list"),
    "no uid": Wrong(defects(malformed=Malformed.NO_UID), MALFORMED, "data.3.uid: Field required"),
    "no time": Wrong(defects(malformed=Malformed.NO_START), MALFORMED, "data.3.start: "),
    "no booking": Wrong(defects(malformed=Malformed.NO_OBJECT), MALFORMED, "data.3: "),
    "the version is lost": Wrong(defects(old_version=True), "calcom_wrong_version", "another version of its API"),
    "an unknown version": Wrong(terms(api_version="2023-01-01"), "calcom_wrong_version", "another version of its API"),
    "locked out": Wrong(defects(throttle=Throttle(1, 600, 600)), "calcom_throttled", "locked the API key out"),
}


@dataclass(frozen=True)
class Seen:
    """What came of something wrong: the answer, the run's record, and what there was before it, after it and later.

    Attributes:
        mended: the answer of the next sync, with all put right.
        truth: the statuses of bookings then.
    """

    answer: Answer
    run: Mapping[str, Any]
    before: list[Any]
    after: list[Any]
    mended: Answer
    truth: list[str]


async def seen(running: Processes, wrong: Wrong) -> Seen:
    """Let something be wrong when there is something to be found."""
    async with running.office() as office:
        first = [office.life.create(in_days(day)) for day in (1, 2)]
        assert (await office.sync()).body["synced"] == 2
        office.life.advance(hours=1)
        office.life.cancel(first[0], "Ill")
        office.life.create(in_days(3))
        sane, key = replace(office.calcom.defects), office.calcom.key
        await wrong.spoil(running, office)
        before = await state(running, office)
        answer = await office.sync()
        after = await state(running, office)
        run = (await office.runs())[-1]
        shown = await office.admin.get(f"{RUNS}/{run['id']}")
        assert shown.data == run
        check_open(running, office, answer, shown)
        office.calcom.defects, office.calcom.key = sane, f"{key}_anew"
        assert (await office.put()).status == 200
        mended = await office.sync()
        return Seen(answer, run, before, after, mended, [one["status"] for one in await office.listed()])


@pytest.fixture(scope="module")
async def all_seen(running: Processes) -> dict[str, Seen]:
    """All that may be wrong, at the same time: some of it takes as long as it is tried again."""
    found = await asyncio.gather(*(seen(running, wrong) for wrong in WRONG.values()))
    return dict(zip(WRONG, found, strict=True))


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_cal_com_is_told_and_changes_nothing(all_seen: dict[str, Seen], name: str) -> None:
    wrong, met = WRONG[name], all_seen[name]
    assert (met.answer.status, met.answer.code) == (502, wrong.code), met.answer.body
    error = met.answer.body["error"]
    assert wrong.words in error["message"]
    assert met.after == met.before
    assert error["details"] == {"run_id": met.run["id"]}
    assert (met.run["status"], met.run["error"]) == ("failed", {"code": wrong.code, "message": error["message"]})
    assert (met.run["fetched"], met.run["synced"], met.run["unanswered"]) == (0, 0, 0)
    assert met.run["ended_at"] is not None
    assert (met.mended.status, met.mended.body["synced"]) == (200, 2), met.mended.body
    assert sorted(met.truth) == ["CANCELLED", "CONFIRMED", "CONFIRMED"]


async def test_what_was_read_before_it_went_wrong_is_kept_and_counted(running: Processes, office: Office) -> None:
    office.calcom.defects.short_pages = 2
    for day in range(1, 6):
        office.life.create(in_days(day))
    halt = office.calcom.halt("/v2/bookings", passing=1)
    asking = asyncio.create_task(office.sync())
    await halt.met()
    office.calcom.defects.malformed = Malformed.CUT_OFF
    halt.let_go()
    assert (await asking).code == MALFORMED
    run = (await office.runs())[-1]
    assert (run["status"], run["fetched"]) == ("failed", run["synced"] + run["skipped"] + run["failed"])
    assert run["synced"] == len(await office.listed()) == 1  # the second is held back for those of the same time
    office.calcom.defects.malformed = None
    assert ((await office.sync()).body["synced"], len(await office.listed())) == (4, 5)
    check_open(running, office)


async def test_what_is_odd_about_one_booking_is_no_harm_to_others(office: Office) -> None:
    office.life.create(in_days(1))
    for fields in (
        {"start": datetime(9999, 12, 31, 23, tzinfo=UTC), "end": datetime.max.replace(tzinfo=UTC)},
        {"end": in_days(-1)},
        {"status": "undreamt_of"},
    ):
        office.life.edit(office.life.create(in_days(2)), **fields)
    told = (await office.sync()).body
    assert (told["synced"], told["fetched"], told["details"]) == (1, 4, {"created": 1, "invalid": 3})
    again = (await office.sync()).body
    assert (again["synced"], again["fetched"]) == (0, 4)


# What who asks may do


BODIES: list[tuple[Any, int, str, str | None]] = [
    ({}, 422, "validation_failed", "organizationId"),
    ({"organizationId": None}, 422, "validation_failed", "organizationId"),
    ({"organizationId": 7}, 422, "validation_failed", "organizationId"),
    ({"organizationId": ""}, 422, "validation_failed", "organizationId"),
    ({"organizationId": "org_of_another"}, 404, "not_found", "organizationId"),
    ({"organisationId": "x"}, 422, "validation_failed", "organizationId"),
    ({"force": True}, 422, "validation_failed", "force"),
    ({"startDate": 20240201}, 422, "validation_failed", "startDate"),
    ({"startDate": "2024-02-30"}, 422, "validation_failed", "startDate"),
    ({"startDate": ["2024-02-01"]}, 422, "validation_failed", "startDate"),
    ({"endDate": "tomorrow"}, 422, "validation_failed", "endDate"),
    ({"endDate": "9999-12-31T23:59:59Z"}, 422, "validation_failed", "endDate"),
    ({"startDate": "2024-03-01", "endDate": "2024-02-01"}, 422, "validation_failed", "endDate"),
    (
        {"startDate": "2024-03-01T10:00:00Z", "endDate": "2024-03-01T11:00:00+01:00"},
        422,
        "validation_failed",
        "endDate",
    ),
    ([], 422, "validation_failed", None),
]


@pytest.mark.parametrize(("body", "status", "code", "param"), BODIES)
async def test_what_cannot_be_asked_for_is_refused(
    running: Processes, office: Office, body: Any, status: int, code: str, param: str | None
) -> None:
    office.life.create(in_days(1))
    if isinstance(body, dict) and body and not any("rgani" in name for name in body):
        body = {"organizationId": office.admin.org_id, **body}
    before = await state(running, office)
    refused = await office.admin.post(SYNC, body)
    assert (refused.status, refused.code) == (status, code), refused.body
    assert refused.body["error"].get("param") == param
    assert await nothing_was_done(running, office, before)


async def nothing_was_done(running: Processes, office: Office, before: list[Any]) -> bool:
    """Tell whether nothing has changed, no run is there, and Cal.com was not asked."""
    return (await state(running, office), await office.runs(), office.calcom.count) == (before, [], 0)


async def test_what_is_no_body_is_refused(running: Processes, office: Office) -> None:
    before, headers = await state(running, office), dict(office.admin.headers)
    for content, kind, status, code in (
        (b'{"organizationId": ', "application/json", 400, "invalid_json"),
        (b"organizationId=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b" " * 300_000, "application/json", 413, "body_too_large"),
    ):
        told = headers | {"Content-Type": kind}
        async with running.http.post(running.gateway + SYNC, data=content, headers=told) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (status, code)
    assert await nothing_was_done(running, office, before)


async def test_only_an_admin_may_ask(running: Processes, office: Office) -> None:
    before, org_id = await state(running, office), office.admin.org_id
    body = {"organizationId": org_id}
    for kind in (KeyKind.STAFF, KeyKind.SERVICE):
        refused = await (await running.caller(org_id, kind)).post(SYNC, body)
        assert (refused.status, refused.code) == (403, "forbidden")
    for headers in ({}, {"Authorization": "Bearer wk_live_nobody"}):
        refused = await Caller(org_id, running.gateway, running.http, headers).post(SYNC, body)
        assert (refused.status, refused.code) == (401, "unauthenticated")
    assert await nothing_was_done(running, office, before)


async def test_without_an_integration_it_is_told(running: Processes, office: Office) -> None:
    assert (await office.admin.delete(INTEGRATION)).status == 200
    before = await state(running, office)
    refused = await office.sync()
    assert (refused.status, refused.code) == (409, "calcom_not_configured")
    assert "integration" in refused.body["error"]["message"]
    assert await nothing_was_done(running, office, before)


async def test_one_that_is_not_enabled_reads_only_when_it_is_asked_to(office: Office) -> None:
    """`enabled`: «Whether bookings are read without being asked to.»"""
    assert (await office.admin.get(INTEGRATION)).data["enabled"] is False
    office.life.create(in_days(1))
    assert (await office.sync()).body["synced"] == 1


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"base_url": "http://10.0.0.1"}, "base_url"),
    ({"base_url": "http://169.254.169.254/latest"}, "base_url"),
    ({"base_url": "https://user:word@cal.example.com"}, "base_url"),
    ({"base_url": "cal.example.com"}, "base_url"),
    ({"base_url": None}, "base_url"),
    ({"api_key": 12}, "api_key"),
    ({"api_key": "short"}, "api_key"),
    ({"api_version": "latest"}, "api_version"),
    ({"pagination": "pages"}, "pagination"),
    ({"schedules": {}}, "schedules"),
    ({"schedules": [{"calcom_event_type_id": 1}]}, "schedules.0.schedule_id"),
    ({"schedules": [{"calcom_event_type_id": "1", "schedule_id": "x"}]}, "schedules.0.calcom_event_type_id"),
    ({"sync_interval_seconds": 0}, "sync_interval_seconds"),
    ({"enabled": 1}, "enabled"),
    ({"key": API_KEY}, "key"),
]


@pytest.mark.parametrize(("fields", "param"), SETTINGS)
async def test_an_integration_that_cannot_be_is_refused(
    running: Processes, office: Office, fields: dict[str, Any], param: str
) -> None:
    before = await state(running, office)
    refused = await office.put(**fields)
    assert (refused.status, refused.code, refused.body["error"]["param"]) == (422, "validation_failed", param)
    assert await nothing_was_done(running, office, before)
    check_open(running, office, refused)
