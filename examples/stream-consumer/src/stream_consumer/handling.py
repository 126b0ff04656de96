"""What each event asks for.

Invariant: whatever a record holds, it is taken and the next one can come: an event of a type that is newer than this
program changes nothing, and what is no event is named and left.
"""

from enum import StrEnum
from typing import assert_never

from slotwire_contracts import (
    AnyEvent,
    DecodeError,
    KnownEvent,
    Reservation,
    ReservationAssigned,
    ReservationCancelled,
    ReservationCompleted,
    ReservationConfirmed,
    ReservationCreated,
    ReservationDeclined,
    ReservationLate,
    ReservationNoShow,
    ReservationPartiallySeated,
    ReservationPending,
    ReservationSeated,
    ReservationStatus,
    ReservationUnassigned,
    ReservationUpdated,
    UnknownEvent,
    WaitlistEntryConverted,
    WaitlistEntryDeclined,
    WaitlistEntryJoined,
    WaitlistEntryNotified,
    WaitlistEntryOfferExpired,
    WaitlistEntryRemoved,
    WaitlistEntryUpdated,
    decode,
)
from stream_consumer.board import Board

__all__ = ["Taken", "take"]

_OVER = frozenset(
    {
        ReservationStatus.CANCELLED,
        ReservationStatus.COMPLETED,
        ReservationStatus.DECLINED,
        ReservationStatus.NO_SHOW,
    }
)


class Taken(StrEnum):
    """What became of a record."""

    SHOWN = "shown"
    ELSEWHERE = "about something else"
    KNOWN = "known already"
    UNKNOWN = "of a type that is newer than this program"
    NO_EVENT = "no event"


def take(board: Board, value: bytes | None) -> tuple[Taken, str]:
    """Take a record's value, once; answer what became of it, and what it was about."""
    try:
        event = decode(value or b"")
    except DecodeError as error:
        return Taken.NO_EVENT, str(error)
    with board.once(event.id) as is_new:
        return _apply(board, event) if is_new else Taken.KNOWN, f"{event.type} {event.subject}"


def _apply(board: Board, event: AnyEvent) -> Taken:
    match event:
        case (
            ReservationCreated()
            | ReservationPending()
            | ReservationConfirmed()
            | ReservationDeclined()
            | ReservationLate()
            | ReservationPartiallySeated()
            | ReservationSeated()
            | ReservationCompleted()
            | ReservationCancelled()
            | ReservationNoShow()
            | ReservationUpdated()
            | ReservationAssigned()
            | ReservationUnassigned()
        ):
            _show(board, event.orgid, event.data.resource)
        case WaitlistEntryJoined() | WaitlistEntryUpdated():
            board.show_waiting(event.orgid, event.data.resource)
        case WaitlistEntryNotified():
            board.show_waiting(event.orgid, event.data.resource)
            board.show_offer(event.subject, event.data.change.expires_at)
        case WaitlistEntryOfferExpired() | WaitlistEntryDeclined():
            board.show_waiting(event.orgid, event.data.resource)
            board.show_offer(event.subject, None)
        case WaitlistEntryConverted() | WaitlistEntryRemoved():
            board.take_off_waiting(event.subject)
        case KnownEvent():  # of what is behind bookings: tables, say
            return Taken.ELSEWHERE
        case UnknownEvent():
            return Taken.UNKNOWN
        case _:
            assert_never(event)
    return Taken.SHOWN


def _show(board: Board, org_id: str, visit: Reservation) -> None:
    if visit.status in _OVER:
        board.take_off_visit(visit.id)
    else:
        board.show_visit(org_id, visit)
