"""Offers that staff make by hand, under an Idempotency-Key: asked again, they tell what came of the first asking."""

import secrets
from typing import Any

import pytest

from chassis.crypto import Sealer
from chassis.idempotency import AnsweredBeforeError, IdempotencyKeyReusedError, Once
from support.waitlist_desk import ORIGIN, Bistro, Desk, StoppedError, held
from waitlist.domain.entry import Placed
from waitlist.domain.errors import InvalidTransitionError, UnavailableError
from waitlist.domain.terms import Wanted

SEALER = Sealer(secrets.token_bytes(32))


def key(scope: bytes, body: bytes = b"{}") -> Once:
    """An Idempotency-Key, as one request brings it."""
    return Once(scope, body, 200, lambda placed: str(placed.entry.status).encode(), SEALER)


async def notify(desk: Desk, entry: dict[str, Any], once: Once) -> Placed:
    """Offer an entry what is free."""
    return await desk.use.notifying.notify(desk.actor, entry["id"], Wanted(), ORIGIN, once)


@pytest.fixture
def scope() -> bytes:
    """Where an answer is kept."""
    return secrets.token_bytes(32)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("matched", [True, False])
async def test_what_booking_did_not_answer_is_answered_when_staff_ask_again(
    desk: Desk, bistro: Bistro, scope: bytes, before: bool, matched: bool
) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    desk.taking.at, desk.taking.error = ("hold", before), UnavailableError("away")
    with pytest.raises(UnavailableError):
        await notify(desk, entry, key(scope))
    if matched:
        await desk.match(bistro.queue)
    assert (await notify(desk, entry, key(scope))).entry.status == "notified"
    assert await held(desk) == [(await desk.live(entry["id"])).hold_id]
    with pytest.raises(AnsweredBeforeError):
        await notify(desk, entry, key(scope))
    with pytest.raises(InvalidTransitionError):
        await notify(desk, entry, key(secrets.token_bytes(32)))


async def test_what_stopped_before_the_answer_was_kept_is_answered_once_more(
    desk: Desk, bistro: Bistro, scope: bytes
) -> None:
    def stop(_placed: Placed) -> bytes:
        raise StoppedError

    entry = await bistro.joins()
    await bistro.falls_free()
    with pytest.raises(StoppedError):
        await notify(desk, entry, Once(scope, b"{}", 200, stop, SEALER))
    offer = await desk.live(entry["id"])
    with pytest.raises(IdempotencyKeyReusedError):
        await notify(desk, entry, key(scope, b"other"))
    assert (await notify(desk, entry, key(scope))).entry.status == "notified"
    assert await desk.live(entry["id"]) == offer


async def test_a_key_is_kept_for_a_day(desk: Desk, bistro: Bistro, scope: bytes) -> None:
    def stop(_placed: Placed) -> bytes:
        raise StoppedError

    entry = await bistro.joins()
    await bistro.falls_free()
    with pytest.raises(StoppedError):
        await notify(desk, entry, Once(scope, b"{}", 200, stop, SEALER))
    await desk.decline(entry["id"])
    desk.watch.turn(hours=24, seconds=21)
    first = await desk.use.entries.get(desk.actor, entry["id"])
    assert first.entry.status == "waiting"
    assert (await notify(desk, entry, key(scope, b"other"))).entry.status == "notified"
