"""Cal.com's bookings as its API writes them, version 2024-08-13 and those after it.

Invariant: what a booking cannot be without is checked; whatever else is null, left out, of an odd type or new is taken,
since Cal.com's own description does not hold for what it answers (scheduling.md section 1).
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from calcom_sync.domain.row import PEOPLE, UID, Row
from slotwire_contracts import CalcomAttendee, CalcomEventType, CalcomHost


def _instant(told: object) -> datetime:
    """Read an instant; one without a zone is in UTC."""
    if not isinstance(told, str):
        raise ValueError("must be a time in ISO 8601")  # noqa: TRY004 - pydantic turns a ValueError into a told flaw
    try:
        read = datetime.fromisoformat(told)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):  # whose words would be the answer's
        raise ValueError("must be a time in ISO 8601 that is in UTC, too, within the years 1 to 9999") from None


def _maybe_instant(told: object) -> datetime | None:
    """Read an instant that may be lacking; what is none tells nothing."""
    try:
        return _instant(told)
    except ValueError:
        return None


def _text(told: object) -> str | None:
    """Read a text that may be lacking; an empty one tells nothing."""
    return told or None if isinstance(told, str) else None


def _uid(told: object) -> str | None:
    """Read the uid in a link; what cannot be one leads nowhere."""
    return told if isinstance(told, str) and UID.match(told) else None


def _id(told: object) -> int | str | None:
    return told if isinstance(told, int | str) else None


def _number(told: object) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) else None


def _objects(told: object) -> list[Any]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _people(told: object) -> list[Any]:
    """Read people; of a crowd enough to tell that it is one."""
    return _objects(told)[: PEOPLE + 1]


def _object(told: object) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}


Instant = Annotated[datetime, BeforeValidator(_instant)]
MaybeInstant = Annotated[datetime | None, BeforeValidator(_maybe_instant)]
MaybeText = Annotated[str | None, BeforeValidator(_text)]
MaybeNumber = Annotated[int | None, BeforeValidator(_number)]
Flag = Annotated[bool, BeforeValidator(lambda told: told is True)]
Uid = Annotated[str, StringConstraints(pattern=UID)]
MaybeUid = Annotated[str | None, BeforeValidator(_uid)]


class Told(BaseModel):
    """An object of Cal.com's; what it has beside these fields is not looked at."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


_UNKNOWN = "unknown"  # all that is told of a host who is no user of Cal.com's any more


class EventTypeTold(Told):
    """The kind of appointment."""

    id: MaybeNumber = None
    slug: MaybeText = None


class PersonTold(Told):
    """A host or an attendee."""

    name: MaybeText = None
    known_email: Annotated[MaybeText, Field(validation_alias="displayEmail")] = None
    stored_email: Annotated[MaybeText, Field(validation_alias="email")] = None
    time_zone: MaybeText = None

    @property
    def email(self) -> str:
        """The email that people know, or else the one that Cal.com stores."""
        return self.known_email or self.stored_email or ""


class HostTold(PersonTold):
    """Who receives the attendees; the id may be the word `unknown`."""

    id: Annotated[int | str | None, BeforeValidator(_id)] = None

    @property
    def is_known(self) -> bool:
        """Whether anything is told of them."""
        return self.id != _UNKNOWN and bool(self.email)

    @property
    def host(self) -> CalcomHost:
        """The host, as the rules take it."""
        return CalcomHost(name=self.name or "", email=self.email)


class AttendeeTold(PersonTold):
    """Who was invited, with a seat where the booking has seats."""

    phone_number: MaybeText = None
    absent: Flag = False
    seat_uid: MaybeText = None

    @property
    def attendee(self) -> CalcomAttendee:
        """The attendee, as the rules take it."""
        return CalcomAttendee(
            name=self.name or "",
            email=self.email,
            phone=self.phone_number,
            timezone=self.time_zone,
            absent=self.absent,
            seat_uid=self.seat_uid,
        )


class BookingTold(Told):
    """A booking: single or of a series, with or without seats."""

    uid: Uid
    status: Annotated[str, StringConstraints(min_length=1, max_length=50, to_lower=True)]
    start: Instant
    end: Instant
    created_at: Instant
    updated_at: MaybeInstant = None
    title: MaybeText = None
    description: MaybeText = None
    location: MaybeText = None
    meeting_url: MaybeText = None
    hosts: Annotated[tuple[HostTold, ...], BeforeValidator(_people)] = ()
    attendees: Annotated[tuple[AttendeeTold, ...], BeforeValidator(_people)] = ()
    event_type: Annotated[EventTypeTold, BeforeValidator(_object)] = EventTypeTold()
    event_type_id: MaybeNumber = None
    cancellation_reason: MaybeText = None
    rescheduling_reason: MaybeText = None
    rescheduled_by_email: MaybeText = None
    rescheduled_from_uid: MaybeUid = None
    rescheduled_to_uid: MaybeUid = None
    recurring_booking_uid: MaybeText = None
    absent_host: Flag = False
    booking_fields_responses: Annotated[dict[str, Any] | None, BeforeValidator(_object)] = None
    metadata: Annotated[dict[str, Any], BeforeValidator(_object)] = Field(default_factory=dict)

    @property
    def row(self) -> Row:
        """The booking, as the rules take it."""
        known = [one for one in self.hosts if one.is_known]
        return Row(
            uid=self.uid,
            status=self.status,
            start=self.start,
            end=self.end,
            title=self.title or "",
            description=self.description,
            location=self.location or self.meeting_url,
            hosts=tuple(one.host for one in known),
            timezone=next((one.time_zone for one in known if one.time_zone), None),
            attendees=tuple(one.attendee for one in self.attendees),
            event_type=self._event_type,
            cancellation_reason=self.cancellation_reason,
            rescheduling_reason=self.rescheduling_reason,
            rescheduled_by=self.rescheduled_by_email,
            rescheduled_from=self.rescheduled_from_uid,
            rescheduled_to=self.rescheduled_to_uid,
            recurring_booking_uid=self.recurring_booking_uid,
            absent_host=self.absent_host,
            is_seated=self._is_seated,
            metadata=self.metadata,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )

    @property
    def _event_type(self) -> CalcomEventType | None:
        number = self.event_type_id if self.event_type.id is None else self.event_type.id
        if number is None and self.event_type.slug is None:
            return None
        return CalcomEventType(id=number, slug=self.event_type.slug)

    @property
    def _is_seated(self) -> bool:
        """Tell whether the booking has seats: its attendees have one each; with none left, it lacks common answers."""
        if self.attendees:
            return any(one.seat_uid for one in self.attendees)
        return "booking_fields_responses" not in self.model_fields_set


class OwnerTold(Told):
    """Whose the API key is; the id is that person's for good, whatever else they change."""

    id: int
    email: MaybeText = None

    @classmethod
    def read(cls, told: object) -> Self:
        """Read the answer's data."""
        return cls.model_validate(told)
