"""Cal.com's webhooks: written, signed and sent, some of them lost, twice, or late (scheduling.md section 1).

Invariant: a body carries no id and no time of its sending, so the same happening sent twice is the same bytes; what is
lost, doubled and late follows from the seed.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

import aiohttp

from support.calcom.life import Happening, Life
from support.calcom.rows import Attendee, Host
from support.calcom.telling import written

NO_SECRET = "no-secret-provided"


@dataclass(frozen=True)
class Loss:
    """Which share of the webhooks is lost, sent twice, and sent after the next one."""

    dropped: float = 0.0
    doubled: float = 0.0
    late: float = 0.0


class Courier:
    """Sends what happened to one URL.

    Attributes:
        answers: the status of each answer; 0 where there was none.
    """

    def __init__(self, life: Life, url: str, *, secret: str | None, loss: Loss | None = None, seed: int = 1) -> None:
        self.answers: list[int] = []
        self._life = life
        self._url = url
        self._secret = secret
        self._loss = loss or Loss()
        self._random = Random(seed)
        self._late: list[bytes] = []

    async def deliver(self) -> int:
        """Send what happened since the last time, with what was late then; tells how many requests it took.

        An answer that is no success is only noted: Cal.com sends nothing again.
        """
        bodies = self.bodies()
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for each in bodies:
                self.answers.append(await self._sent(session, each))
        return len(bodies)

    def bodies(self) -> list[bytes]:
        """Tell what is sent now, for whoever delivers it himself."""
        told, self._life.untold[:] = list(self._life.untold), []
        return self._chosen([body(each) for each in told])

    async def _sent(self, session: aiohttp.ClientSession, content: bytes) -> int:
        headers = {
            "Content-Type": "application/json",
            "X-Cal-Signature-256": signature(self._secret, content),
            "X-Cal-Webhook-Version": "2021-10-20",
        }
        try:
            async with session.post(self._url, data=content, headers=headers) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    def _chosen(self, bodies: Iterable[bytes]) -> list[bytes]:
        sent: list[bytes] = []
        for each in bodies:
            if self._random.random() < self._loss.dropped:
                continue
            if self._random.random() < self._loss.late:
                self._late.append(each)
                continue
            copies = 2 if self._random.random() < self._loss.doubled else 1
            sent += [*[each] * copies, *self._late]
            self._late = []
        return sent


def signature(secret: str | None, content: bytes) -> str:
    """Sign a body as Cal.com does."""
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest() if secret else NO_SECRET


def body(happening: Happening) -> bytes:
    """Write what a webhook says."""
    told = {
        "triggerEvent": happening.trigger,
        "createdAt": written(happening.at),
        "payload": _payload(happening),
    }
    return json.dumps(told, separators=(",", ":")).encode()


def _payload(happening: Happening) -> dict[str, Any]:
    row = happening.booking
    if happening.trigger == "PING":
        return {"type": "Test", "title": "Test trigger event", "startTime": written(row.start)}
    if happening.trigger == "BOOKING_NO_SHOW_UPDATED":
        marked = [{"email": email, "noShow": absent} for email, absent in happening.more["noShow"].items()]
        message = f"{marked[0]['email']} marked as no-show" if marked else ""
        return {"message": message, "bookingUid": row.uid, "bookingId": row.id, "attendees": marked}
    return _booking_payload(happening) | _more(happening)


def _booking_payload(happening: Happening) -> dict[str, Any]:
    row = happening.booking
    return {
        "bookingId": row.id,
        "uid": row.uid,
        "title": row.title,
        "type": row.kind.slug,
        "startTime": written(row.start),
        "endTime": written(row.end),
        "organizer": _person(row.host),
        "attendees": [_person(attendee) for attendee in row.attendees],
        "responses": {},
        "status": row.status.upper(),
        "eventTypeId": row.kind.id,
        "length": row.kind.minutes,
        "metadata": dict(row.metadata),
    }


def _more(happening: Happening) -> dict[str, Any]:
    row = happening.booking
    more = {name: value if isinstance(value, int | str) else written(value) for name, value in happening.more.items()}
    if happening.trigger == "BOOKING_CANCELLED":
        told = {"cancelledBy": row.cancelled_by, "cancellationReason": row.cancellation_reason}
        return {"requestReschedule": False, **told, **more}
    return more


def _person(person: Host | Attendee) -> dict[str, Any]:
    return {"name": person.name, "email": person.email, "timeZone": person.timezone, "utcOffset": 60}
