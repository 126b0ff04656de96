"""What happens to bookings in Cal.com, as it does it (scheduling.md sections 1 and 2).

The test says what happens and when: the clock stands still until it is set. Each happening is also the webhook that
Cal.com would send of it, and waits in `untold` for a courier.

Invariant: `updated_at` moves exactly when Cal.com writes the booking's own row, so it does not when only an attendee's
changes. The state at any past moment can be read again, for replicas that lag.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from support.calcom.rows import Attendee, Booking, Host, Kind, Status

_LETTERS = "23456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
BEGINNING = datetime(2026, 1, 5, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Happening:
    """What a webhook tells: its trigger, the booking as it is now, and what else this trigger carries."""

    trigger: str
    at: datetime
    booking: Booking
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Chain:
    """One appointment, through all its reschedules: its uids, the oldest first."""

    uids: tuple[str, ...]

    @property
    def id(self) -> str:
        """The uid of its first booking."""
        return self.uids[0]


class Life:
    """The bookings of one user of Cal.com and of the teams that they see.

    Attributes:
        now: the clock; only the test moves it.
        untold: what no courier has taken yet.
    """

    def __init__(self, *, seed: int = 1, now: datetime = BEGINNING, owner: Host | None = None) -> None:
        self.now = now
        self.owner = owner or Host()
        self.untold: list[Happening] = []
        self._random = Random(seed)
        self._versions: dict[str, list[tuple[datetime, Booking | None]]] = {}
        self._chains: dict[str, str] = {}  # uid to the chain's id
        self._last_id = 1000

    def advance(self, **by: float) -> datetime:
        """Move the clock on by what `timedelta` takes."""
        self.now += timedelta(**by)
        return self.now

    def uid(self) -> str:
        """Make an identifier as Cal.com's are."""
        return "".join(self._random.choices(_LETTERS, k=22))

    # Reading

    def rows(self, at: datetime | None = None) -> list[Booking]:
        """Tell what the database held at a moment, now if none is given, in the order of ids."""
        found = (self.row(uid, at) for uid in self._versions)
        return [row for row in found if row is not None]

    def row(self, uid: str, at: datetime | None = None) -> Booking | None:
        """Tell what the database held of a booking; None where it did not have it."""
        for since, row in reversed(self._versions.get(uid, [])):
            if at is None or since <= at:
                return row
        return None

    def last_row(self, uid: str) -> Booking:
        """Tell how a booking is, or was last before it was deleted."""
        return next(row for _, row in reversed(self._versions[uid]) if row is not None)

    def chains(self) -> Iterator[Chain]:
        """Tell of every appointment that there ever was."""
        members: dict[str, list[str]] = {}
        for uid, chain in self._chains.items():
            members.setdefault(chain, []).append(uid)
        return (Chain(tuple(uids)) for uids in members.values())

    # What happens

    def create(
        self,
        start: datetime,
        *attendees: Attendee,
        kind: Kind | None = None,
        host: Host | None = None,
        status: Status = "accepted",
        **given: Any,
    ) -> str:
        """Book; `given` are more fields of the row. Answers the uid."""
        booking = self._made(start, attendees or (Attendee(),), kind or Kind(), host or self.owner, status, given)
        self._tell("BOOKING_REQUESTED" if status == "pending" else "BOOKING_CREATED", booking)
        return booking.uid

    def create_series(self, starts: Iterable[datetime], *attendees: Attendee, **given: Any) -> list[str]:
        """Book a recurring series: a row for each occurrence. Answers the uids."""
        series = self.uid()
        return [self.create(start, *attendees, recurring_uid=series, **given) for start in starts]

    def reschedule(
        self, uid: str, start: datetime, *, reason: str = "", by: str = "", status: Status = "accepted"
    ) -> str:
        """Move a booking without seats: a new row with a new uid; the old one is cancelled. Answers the new uid.

        The reason is in the new row's `cancellationReason`. Rows of a series are never linked forward.
        """
        old = self._known(uid)
        by = by or old.attendees[0].email
        again = tuple(replace(attendee, absent=False) for attendee in old.attendees)
        given = {name: getattr(old, name) for name in ("title", "description", "location", "recurring_uid", "metadata")}
        told = {"cancellation_reason": reason, "rescheduling_reason": reason or None, "from_uid": uid}
        new = self._made(start, again, old.kind, old.host, status, given | told, chain=self._chains[uid])
        to_uid = None if old.recurring_uid else new.uid
        self._change(uid, status="cancelled", rescheduled_by=by, to_uid=to_uid)
        more = {
            "rescheduleId": old.id,
            "rescheduleUid": uid,
            "rescheduleStartTime": old.start,
            "rescheduleEndTime": old.end,
        }
        self._tell("BOOKING_REQUESTED" if status == "pending" else "BOOKING_RESCHEDULED", new, **more)
        return new.uid

    def request_reschedule(self, uid: str, reason: str = "") -> None:
        """Let the host ask for another time: cancelled until the guest chooses one, which `reschedule` then does."""
        host = self._known(uid).host.email
        row = self._change(uid, status="cancelled", cancellation_reason=reason, rescheduled_by=host)
        self._tell("BOOKING_CANCELLED", row, requestReschedule=True)

    def cancel(self, uid: str, reason: str = "", *, by: str = "") -> None:
        """Call a booking off; without a reason, the one that stands there stays."""
        row = self._known(uid)
        reason, by = reason or row.cancellation_reason, by or row.host.email
        row = self._change(uid, status="cancelled", cancellation_reason=reason, cancelled_by=by)
        self._tell("BOOKING_CANCELLED", row)

    def reject(self, uid: str, reason: str = "") -> None:
        """Refuse a pending booking."""
        self._tell("BOOKING_REJECTED", self._change(uid, status="rejected", cancellation_reason=reason))

    def confirm(self, uid: str) -> None:
        """Accept a pending booking; the webhook says that it was created."""
        self._tell("BOOKING_CREATED", self._change(uid, status="accepted"))

    def mark_absent(self, uid: str, *emails: str, absent: bool = True) -> None:
        """Mark attendees as not having come, or take it back; all of them if none is named. `updatedAt` stays."""
        row = self._known(uid)
        meant = emails or tuple(attendee.email for attendee in row.attendees)
        marked = [replace(each, absent=absent) if each.email in meant else each for each in row.attendees]
        self._write(replace(row, attendees=tuple(marked)))
        self._tell("BOOKING_NO_SHOW_UPDATED", self._known(uid), noShow=dict.fromkeys(meant, absent))

    def mark_host_absent(self, uid: str, *, absent: bool = True) -> None:
        """Mark the host as not having come; no webhook tells of it."""
        self._change(uid, absent_host=absent)

    def edit(self, uid: str, **fields: Any) -> None:
        """Change fields of a row, e.g. its title, location or metadata; no webhook tells of it.

        With `updated_at` it is written by a clock that is wrong.
        """
        self._change(uid, **fields)

    def add_seat(self, uid: str, attendee: Attendee) -> str:
        """Seat somebody at a booking with seats; a cancelled one is accepted again by it. Answers the seat's uid."""
        row = self._known(uid)
        seated = self._seated(attendee)
        row = self._change(uid, attendees=(*row.attendees, seated), status="accepted")
        self._tell("BOOKING_CREATED", row)
        assert seated.seat_uid is not None
        return seated.seat_uid

    def remove_seat(self, uid: str, seat_uid: str) -> None:
        """Let one attendee cancel: `updatedAt` stays, unless it was the last, with whom the booking is cancelled."""
        left = self._without(uid, seat_uid)
        row = self._known(uid) if left else self._change(uid, status="cancelled")
        self._tell("BOOKING_CANCELLED", row)

    def move_seat(self, uid: str, seat_uid: str, start: datetime, *, is_linked: bool = True) -> str:
        """Let one attendee move to another time: to the row that is there, or else to a new one. Answers its uid.

        The others stay where they are. A new row may name the old one as what it was rescheduled from.
        """
        row = self._known(uid)
        (moved,) = (each for each in row.attendees if each.seat_uid == seat_uid)
        others = (each for each in self.rows() if each.uid != uid and each.kind == row.kind and each.start == start)
        there = next((each for each in others if not each.is_over), None)
        left = self._without(uid, seat_uid)
        if there is None:
            linked = {"from_uid": uid if is_linked else None, "title": row.title}
            there = self._made(start, (moved,), row.kind, row.host, "accepted", linked)
        else:
            there = self._change(there.uid, attendees=(*there.attendees, moved))
        if not left:
            self._change(uid, status="cancelled", rescheduled_by=moved.email, to_uid=there.uid if is_linked else None)
        self._tell("BOOKING_RESCHEDULED", there, rescheduleId=row.id, rescheduleUid=uid)
        return there.uid

    def move_all_seats(self, uid: str, start: datetime) -> None:
        """Let the host move a booking with seats: the same row, at another time."""
        length = timedelta(minutes=self._known(uid).kind.minutes)
        self._tell("BOOKING_RESCHEDULED", self._change(uid, start=start, end=start + length), rescheduleUid=uid)

    def delete(self, uid: str) -> None:
        """Delete a row for good, as nobody should; no webhook tells of it."""
        self._known(uid)
        self._versions[uid].append((self.now, None))

    def ping(self) -> None:
        """Press the button that tests a webhook."""
        self._tell("PING", self._made_up())

    # How it is kept

    def _made(
        self,
        start: datetime,
        attendees: tuple[Attendee, ...],
        kind: Kind,
        host: Host,
        status: Status,
        given: Mapping[str, Any],
        chain: str | None = None,
    ) -> Booking:
        seated = tuple(self._seated(attendee) if kind.seats else attendee for attendee in attendees)
        self._last_id += 1
        fields: dict[str, Any] = {
            "id": self._last_id,
            "uid": self.uid(),
            "title": f"{kind.slug} between {host.name} and {attendees[0].name}",
            "end": start + timedelta(minutes=kind.minutes),
        }
        booking = Booking(
            **fields | dict(given),
            kind=kind,
            host=host,
            start=start,
            status=status,
            attendees=seated,
            created_at=self.now,
            updated_at=self.now,
        )
        self._write(booking)
        self._chains[booking.uid] = chain or booking.uid
        return booking

    def _made_up(self) -> Booking:
        return next(iter(self.rows()), None) or Booking(
            id=0,
            uid="",
            title="Test",
            kind=Kind(),
            host=self.owner,
            start=self.now,
            end=self.now,
            created_at=self.now,
            updated_at=self.now,
            attendees=(),
        )

    def _seated(self, attendee: Attendee) -> Attendee:
        return attendee if attendee.seat_uid else replace(attendee, seat_uid=self.uid())

    def _without(self, uid: str, seat_uid: str) -> tuple[Attendee, ...]:
        row = self._known(uid)
        left = tuple(attendee for attendee in row.attendees if attendee.seat_uid != seat_uid)
        assert len(left) + 1 == len(row.attendees), "there is no such seat"
        self._write(replace(row, attendees=left))
        return left

    def _known(self, uid: str) -> Booking:
        row = self.row(uid)
        assert row is not None, "there is no such booking"
        return row

    def _change(self, uid: str, **fields: Any) -> Booking:
        row = replace(self._known(uid), **{"updated_at": self.now} | fields)
        self._write(row)
        return row

    def _write(self, row: Booking) -> None:
        self._versions.setdefault(row.uid, []).append((self.now, row))

    def _tell(self, trigger: str, booking: Booking, **more: Any) -> None:
        self.untold.append(Happening(trigger, self.now, booking, more))
