"""Clients: staff keep them; a client key reaches the one that it is bound to."""

import pytest

from chassis.identity import KeyKind
from support.booking_service import Caller, Service
from support.reference_data import made

PATH = "/api/v1/clients"


@pytest.fixture
async def ids(staff: Caller) -> tuple[str, str]:
    """Two clients."""
    return await made(staff, "clients"), await made(staff, "clients", name="Bob", email="bob@example.com")


async def test_a_client_reads_and_changes_itself(service: Service, staff: Caller, ids: tuple[str, str]) -> None:
    ada = await service.client(staff.org_id, ids[0])
    assert (await ada.get(f"{PATH}/{ids[0]}")).body == (await staff.get(f"{PATH}/{ids[0]}")).body
    changed = await ada.patch(f"{PATH}/{ids[0]}", {"phone": "+49 30"})
    assert changed.data["phone"] == "+49 30"
    assert (await staff.get(f"{PATH}/{ids[0]}")).body == changed.body
    listed = await ada.get(PATH)
    assert ([one["id"] for one in listed.data], listed.body["meta"]["total"]) == ([ids[0]], 1)
    assert (await ada.get(f"{PATH}?email=bob@example.com")).data == []


async def test_a_client_reaches_no_other(service: Service, staff: Caller, ids: tuple[str, str]) -> None:
    ada = await service.client(staff.org_id, ids[0])
    before = await staff.get(f"{PATH}/{ids[1]}")
    for answer in (await ada.get(f"{PATH}/{ids[1]}"), await ada.patch(f"{PATH}/{ids[1]}", {"name": "Mine"})):
        assert (answer.status, answer.code) == (404, "not_found")
    assert (await staff.get(f"{PATH}/{ids[1]}")).body == before.body


async def test_a_client_neither_makes_nor_deletes_one(service: Service, staff: Caller, ids: tuple[str, str]) -> None:
    ada = await service.client(staff.org_id, ids[0])
    for refused in (
        await ada.post(PATH, {"name": "Eve", "email": "eve@example.com"}),
        await ada.delete(f"{PATH}/{ids[0]}"),
        await ada.delete(f"{PATH}/{ids[1]}"),
    ):
        assert (refused.status, refused.code) == (403, "forbidden")
    assert (await staff.get(PATH)).body["meta"]["total"] == 2


async def test_a_key_whose_client_is_gone_or_never_was_reaches_nobody(
    service: Service, staff: Caller, ids: tuple[str, str]
) -> None:
    await staff.delete(f"{PATH}/{ids[0]}")
    for client_id in (ids[0], "cli_none"):
        stranger = await service.client(staff.org_id, client_id)
        assert (await stranger.get(PATH)).data == []
        assert (await stranger.get(f"{PATH}/{client_id}")).status == 404
        assert (await stranger.patch(f"{PATH}/{client_id}", {"name": "Back"})).status == 404


async def test_clients_are_listed_by_their_address_without_regard_to_case(staff: Caller, ids: tuple[str, str]) -> None:
    for address in ("Ada@example.com", "ada@EXAMPLE.com"):
        assert [one["id"] for one in (await staff.get(f"{PATH}?email={address}")).data] == [ids[0]]
    assert (await staff.get(f"{PATH}?email=eve@example.com")).data == []


async def test_the_scopes_are_those_of_bookings(service: Service, staff: Caller, ids: tuple[str, str]) -> None:
    desk = await service.caller(staff.org_id, KeyKind.STAFF, frozenset({"bookings.manage"}))
    planner = await service.caller(staff.org_id, KeyKind.STAFF, frozenset({"schedules.manage"}))
    one = f"{PATH}/{ids[0]}"
    for method, path, body in (
        ("GET", PATH, None),
        ("GET", one, None),
        ("PATCH", one, {"name": "Ada L."}),
        ("DELETE", one, None),
        ("POST", PATH, {"name": "Eve", "email": "eve@example.com"}),
    ):
        assert (await planner.send(method, path, body)).status == 403
        assert (await desk.send(method, path, body)).status in {200, 201}
