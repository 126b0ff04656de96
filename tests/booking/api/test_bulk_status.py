"""One status for many bookings, each with its own result."""

import asyncio
from typing import Any

import pytest

from support.booking_service import SOON, Caller, Service

PATH = "/api/v1/bookings/bulk-status"


async def three(staff: Caller) -> list[str]:
    schedule_id = await staff.schedule(capacity=3)
    return [(await staff.book(schedule_id=schedule_id)).data["id"] for _ in range(3)]


async def statuses(staff: Caller, ids: list[str]) -> list[str]:
    return [(await staff.get(f"/api/v1/bookings/{booking_id}")).data["status"] for booking_id in ids]


async def test_each_booking_has_its_result_in_the_order_asked(staff: Caller) -> None:
    ids = await three(staff)
    await staff.delete(f"/api/v1/bookings/{ids[1]}")
    asked = [ids[2], "bk_none", ids[1], ids[0]]
    answer = await staff.post(PATH, {"ids": asked, "status": "CONFIRMED", "reason": "paid"})
    assert [(result["id"], result["status"]) for result in answer.data] == [
        (ids[2], "CONFIRMED"),
        ("bk_none", None),
        (ids[1], None),
        (ids[0], "CONFIRMED"),
    ]
    refused = [result["error"] and result["error"]["code"] for result in answer.data]
    assert refused == [None, "not_found", "invalid_status_transition", None]
    assert await statuses(staff, ids) == ["CONFIRMED", "CANCELLED", "CONFIRMED"]
    feed = await staff.get(f"/v1/reservations/{ids[0]}/events")
    assert feed.body["data"][-1]["data"] == {"from_status": "pending", "to_status": "confirmed", "reason": "paid"}


async def test_a_repeated_request_is_answered_as_before(staff: Caller) -> None:
    ids = await three(staff)
    first, again = [
        await staff.post(PATH, {"ids": ids, "status": "CANCELLED"}, Idempotency_Key="all") for _ in range(2)
    ]
    assert first.body == again.body
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_an_id_named_twice_is_changed_once(staff: Caller) -> None:
    (first, *_) = await three(staff)
    answer = await staff.post(PATH, {"ids": [first, first], "status": "CONFIRMED"})
    assert [result["status"] for result in answer.data] == ["CONFIRMED", "CONFIRMED"]
    assert len((await staff.get(f"/v1/reservations/{first}/events")).body["data"]) == 2


async def test_two_requests_for_the_same_bookings_get_on_with_each_other(staff: Caller) -> None:
    ids = await three(staff)
    orders = [ids, ids[::-1]] * 5
    answers = await asyncio.gather(*(staff.post(PATH, {"ids": order, "status": "CONFIRMED"}) for order in orders))
    assert all(result["status"] == "CONFIRMED" for answer in answers for result in answer.data)


async def test_others_bookings_are_not_found_and_a_client_cancels_its_own_alone(
    service: Service, staff: Caller
) -> None:
    schedule_id = await staff.schedule(capacity=2)
    ada, stranger = await service.client(staff.org_id, "cli_ada"), await service.caller()
    hers = (await ada.book(schedule_id=schedule_id)).data["id"]
    staffs = (await staff.book(schedule_id=schedule_id)).data["id"]
    answer = await stranger.post(PATH, {"ids": [hers, staffs], "status": "CANCELLED"})
    assert [result["error"]["code"] for result in answer.data] == ["not_found", "not_found"]
    assert (await ada.post(PATH, {"ids": [hers], "status": "CONFIRMED"})).code == "forbidden"
    answer = await ada.post(PATH, {"ids": [hers, staffs], "status": "CANCELLED"})
    assert [result["status"] for result in answer.data] == ["CANCELLED", None]
    assert await statuses(staff, [hers, staffs]) == ["CANCELLED", "PENDING"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"ids": []}, "ids"),
        ({"ids": ["bk_1"] * 101}, "ids"),
        ({"ids": [7]}, "ids.0"),
        ({"status": "OVER"}, "status"),
        ({"status": None}, "status"),
        ({"correction": "yes"}, "correction"),
        ({"start_time": str(SOON)}, "start_time"),
    ],
)
async def test_a_bad_body_is_refused(staff: Caller, fields: dict[str, Any], param: str) -> None:
    refused = await staff.post(PATH, {"ids": ["bk_1"], "status": "CONFIRMED", **fields})
    assert (refused.status, refused.code, refused.body["error"]["param"]) == (422, "validation_failed", param)
