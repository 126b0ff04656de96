"""The webhooks of the stand-in: what they say, how they are signed, and how they get lost."""

import hashlib
import hmac
import json
from collections import Counter
from datetime import timedelta

from support.calcom import Courier, Life, Loss
from support.calcom.life import BEGINNING
from support.endpoints import Endpoint, endpoint

SOON = BEGINNING + timedelta(days=1)
SECRET = "s3cret"


def triggers(told: Endpoint) -> list[str]:
    """What the requests say happened."""
    return [json.loads(request.body)["triggerEvent"] for request in told.requests]


async def test_they_are_signed_and_say_what_happened() -> None:
    life = Life()
    old = life.create(SOON)
    new = life.reschedule(old, SOON + timedelta(hours=1))
    life.cancel(new, "Ill")
    life.mark_absent(new)
    life.ping()
    async with endpoint() as told:
        assert await Courier(life, told.url, secret=SECRET).deliver() == 5
    payloads = [json.loads(request.body)["payload"] for request in told.requests]
    assert triggers(told) == [
        "BOOKING_CREATED",
        "BOOKING_RESCHEDULED",
        "BOOKING_CANCELLED",
        "BOOKING_NO_SHOW_UPDATED",
        "PING",
    ]
    assert [payload.get("uid") for payload in payloads] == [old, new, new, None, None]
    assert (payloads[1]["rescheduleUid"], payloads[1]["status"]) == (old, "ACCEPTED")
    assert (payloads[2]["cancellationReason"], payloads[2]["requestReschedule"]) == ("Ill", False)
    assert payloads[3].keys() == {"message", "bookingUid", "bookingId", "attendees"}
    assert payloads[3]["attendees"] == [{"email": "ada@guest.example", "noShow": True}]
    assert payloads[4]["type"] == "Test"
    for request in told.requests:
        expected = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
        assert request.headers["x-cal-signature-256"] == expected
        assert request.headers["x-cal-webhook-version"] == "2021-10-20"


async def test_without_a_secret_the_signature_says_so() -> None:
    life = Life()
    life.create(SOON)
    async with endpoint() as told:
        await Courier(life, told.url, secret=None).deliver()
    assert told.requests[0].headers["x-cal-signature-256"] == "no-secret-provided"


async def test_they_get_lost_doubled_and_late_as_the_seed_says() -> None:
    seen = []
    for _ in range(2):
        life = Life()
        for _ in range(60):
            life.create(SOON)
        async with endpoint() as told:
            courier = Courier(life, told.url, secret=SECRET, loss=Loss(dropped=0.3, doubled=0.3, late=0.3), seed=7)
            await courier.deliver()
        seen.append([json.loads(request.body)["payload"]["bookingId"] for request in told.requests])
    assert seen[0] == seen[1]
    copies = Counter(seen[0])
    assert set(copies.values()) == {1, 2}
    assert len(copies) < 60
    assert list(copies) != sorted(copies)


async def test_nobody_sends_again() -> None:
    life = Life()
    life.create(SOON)
    async with endpoint() as told:
        pass
    courier = Courier(life, told.url, secret=SECRET)
    await courier.deliver()
    assert courier.answers == [0]
    assert await courier.deliver() == 0
