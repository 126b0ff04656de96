"""I8: at most one live offer per entry, each with a live hold; from its deadline on an offer is dead.

Invariant: an accept counts for the offer that was live when it was asked for, and for no later one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from chaos.checks.reading import Happening, by_id, by_subject, grouped, instant, may_have_happened, published, rows
from chaos.checks.scales import Scales
from chaos.evidence import Answer, Evidence, Finding, Row
from slotwire_contracts import BOOKING_EVENTS, WAITLIST_EVENTS

_UNDER_WAY = frozenset({"requested", "live"})
_SOON = timedelta(minutes=1)
"""How long before its deadline an offer is left alone: it may have passed while the tables were read."""

_UNANSWERED = timedelta(seconds=60)
"""For how long an accept may go on at the services when its client was told nothing."""


def offers_are_single_and_held(evidence: Evidence) -> Finding:
    """Check the offers as they stand, as they were told, and what came of them."""
    scales = Scales("I8")
    entries = by_id(evidence, "waitlist.entries")
    offers = grouped(rows(evidence, "waitlist.offers"), "entry_id")
    told = {subject: some for (_, subject), some in by_subject(published(evidence, WAITLIST_EVENTS.name)).items()}
    _live_offers_have_holds(scales, evidence, entries, offers)
    _one_is_told_at_a_time(scales, told)
    _accepted_in_time(scales, evidence, offers, told)
    _converted_with_leave(scales, evidence, entries, offers)
    _converted_once(scales, evidence, entries, offers, told)
    return scales.finding()


def _live_offers_have_holds(
    scales: Scales, evidence: Evidence, entries: Mapping[str, Row], offers: Mapping[str, Sequence[Row]]
) -> None:
    holds, now = by_id(evidence, "booking.holds"), _read_at(evidence)
    for entry in entries.values():
        open_ones = [one for one in offers.get(entry["id"], ()) if one["state"] in _UNDER_WAY]
        live = [one for one in open_ones if one["state"] == "live" and one["expires_at"] > now + _SOON]
        scales.weigh(
            len(open_ones) <= 1 and all(one["state"] == "live" for one in open_ones),
            "an entry has more than one offer under way, or one that was never finished",
            entry_id=entry["id"],
            offers=[(one["id"], one["state"]) for one in open_ones],
        )
        scales.weigh(
            (entry["status"] == "notified") == bool(open_ones),
            "an entry's status is not that of its offers",
            entry_id=entry["id"],
            status=entry["status"],
            offers=[(one["id"], one["state"]) for one in open_ones],
        )
        for one in live:
            hold = holds.get(one["hold_id"])
            scales.weigh(
                not one["held"] or (hold is not None and hold["expires_at"] >= one["expires_at"]),
                "a live offer has no live hold",
                offer_id=one["id"],
                expires_at=one["expires_at"],
                hold=hold,
            )


def _read_at(evidence: Evidence) -> datetime:
    """Tell an instant that is not after the tables were read, and near it."""
    return max([evidence.told.ended_at, *(one.timestamp for one in evidence.stored.records)])


def _one_is_told_at_a_time(scales: Scales, told: Mapping[str, Sequence[Happening]]) -> None:
    for entry_id, events in told.items():
        for before, one in pairwise(events):
            if one.type == "waitlist_entry.notified":
                scales.weigh(
                    before.resource["status"] == "waiting",
                    "an entry was told of an offer while it had another, or was off the waitlist",
                    entry_id=entry_id,
                    offer_id=one.change["offerId"],
                    status_before=before.resource["status"],
                )


def _accepted_in_time(
    scales: Scales,
    evidence: Evidence,
    offers: Mapping[str, Sequence[Row]],
    told: Mapping[str, Sequence[Happening]],
) -> None:
    """Check that each accepted offer was accepted while it was live."""
    notices = {one.change["offerId"]: one for some in told.values() for one in some if "claimUrl" in one.change}
    for some in offers.values():
        for offer in some:
            if offer["state"] == "accepted":
                notice = notices.get(offer["id"])
                asked = [] if notice is None else list(_accepts(evidence, notice))
                scales.weigh(
                    notice is not None and any(_is_in_time(answer, notice) for answer in asked),
                    "an offer was accepted by nobody who asked while it was live",
                    offer_id=offer["id"],
                    entry_id=offer["entry_id"],
                    told_at=None if notice is None else notice.time,
                    expires_at=offer["expires_at"],
                    asked=[(answer.path, answer.sent_at, answer.ended_at, answer.status) for answer in asked],
                )


def _accepts(evidence: Evidence, notice: Happening) -> Iterator[Answer]:
    """Go through what was asked of an entry that may accept its offer."""
    convert = f"/api/v1/waitlist/{notice.subject}/convert"
    claim = notice.change["claimUrl"].partition("/w/")[2]
    for answer in evidence.told.answers:
        accepted_by_guest = bool(claim) and answer.path.startswith(f"/w/{claim}")
        if answer.method == "POST" and may_have_happened(answer) and (answer.path == convert or accepted_by_guest):
            yield answer


def _is_in_time(answer: Answer, notice: Happening) -> bool:
    over = answer.ended_at + (_UNANSWERED if answer.status is None or answer.status >= 500 else timedelta(0))
    return over >= notice.time and answer.sent_at < instant(notice.change["expiresAt"])


def _converted_with_leave(
    scales: Scales, evidence: Evidence, entries: Mapping[str, Row], offers: Mapping[str, Sequence[Row]]
) -> None:
    """Check that nobody got a table by accepting what was offered no more.

    Without a live offer somebody has to name the time, unless the place books whoever is next by itself.
    """
    by_itself = {row["place_id"] for row in rows(evidence, "waitlist.policies") if row["way"] == "auto_convert"}
    for entry in entries.values():
        if entry["status"] == "converted" and entry["location_id"] not in {None, *by_itself}:
            path = f"/api/v1/waitlist/{entry['id']}/convert"
            asked = [one for one in evidence.told.answers if one.path == path and may_have_happened(one)]
            scales.weigh(
                any(one["state"] == "accepted" for one in offers.get(entry["id"], ()))
                or any("startTime" in (one.body or {}) for one in asked),
                "an entry was converted although nothing was offered to it and nobody named a time",
                entry_id=entry["id"],
                offers=[(one["id"], one["state"], one["expires_at"]) for one in offers.get(entry["id"], ())],
                asked=[(one.sent_at, one.status, one.body) for one in asked],
            )


def _converted_once(
    scales: Scales,
    evidence: Evidence,
    entries: Mapping[str, Row],
    offers: Mapping[str, Sequence[Row]],
    told: Mapping[str, Sequence[Happening]],
) -> None:
    """Check that each entry became one booking or none, by one offer at most, and that both sides know."""
    made = _bookings(evidence)
    for entry in entries.values():
        accepted = [one["id"] for one in offers.get(entry["id"], ()) if one["state"] == "accepted"]
        kinds = Counter(one.type for one in told.get(entry["id"], ()))
        expected = [entry["booking_id"]] if entry["status"] == "converted" else []
        scales.weigh(
            made.get(entry["id"], []) == expected
            and kinds["waitlist_entry.converted"] == len(expected)
            and len(accepted) <= len(expected),
            "an entry did not become one booking, or became one that it does not know of",
            entry_id=entry["id"],
            status=entry["status"],
            booking_id=entry["booking_id"],
            bookings=made.get(entry["id"], []),
            accepted=accepted,
        )
    for row in rows(evidence, "waitlist.conversions"):
        scales.weigh(False, "a conversion was never finished", entry_id=row["entry_id"])  # noqa: FBT003


def _bookings(evidence: Evidence) -> dict[str, list[str]]:
    """Tell which bookings were made of which entry."""
    found: dict[str, list[str]] = {}
    reservations = by_subject(published(evidence, BOOKING_EVENTS.name))
    for (_, booking_id), events in reservations.items():
        for one in events:
            if one.type == "reservation.created" and (entry := one.change.get("waitlist_entry_id")):
                found.setdefault(entry, []).append(booking_id)
    return found
