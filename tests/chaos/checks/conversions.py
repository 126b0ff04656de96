"""The part of I8 that is about what becomes of offers: accepted in time, and one booking of an entry.

Invariant: an accept counts for the offer that was live when it was asked for, and for no later one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from chaos.checks.reading import Happening, by_subject, instant, may_have_happened, published, rows
from chaos.checks.scales import Scales
from chaos.evidence import Answer, Evidence, Row
from slotwire_contracts import BOOKING_EVENTS

_UNANSWERED = timedelta(seconds=60)
"""For how long an accept may go on at the services when its client was told nothing."""

_Offers = Mapping[str, Sequence[Row]]
"""By their entry."""

_Told = Mapping[str, Sequence[Happening]]
"""What was told of each entry."""


def weigh_conversions(
    scales: Scales, evidence: Evidence, entries: Mapping[str, Row], offers: _Offers, told: _Told
) -> None:
    """Check that nobody accepted what was offered no more, and that entries became one booking or none."""
    _accepted_in_time(scales, evidence, offers, told)
    _converted_with_leave(scales, evidence, entries, offers)
    _converted_once(scales, evidence, entries, offers, told)


def _accepted_in_time(
    scales: Scales,
    evidence: Evidence,
    offers: _Offers,
    told: _Told,
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
        accepted_by_staff = answer.path == convert and answer.org_id == notice.org_id
        if answer.method == "POST" and may_have_happened(answer) and (accepted_by_staff or accepted_by_guest):
            yield answer


def _is_in_time(answer: Answer, notice: Happening) -> bool:
    over = answer.ended_at + (_UNANSWERED if answer.status is None or answer.status >= 500 else timedelta(0))
    return over >= notice.time and answer.sent_at < instant(notice.change["expiresAt"])


def _converted_with_leave(scales: Scales, evidence: Evidence, entries: Mapping[str, Row], offers: _Offers) -> None:
    """Check that nobody got a table by accepting what was offered no more.

    Without a live offer somebody has to name the time, unless the place books whoever is next by itself.
    """
    by_itself = {row["place_id"] for row in rows(evidence, "waitlist.policies") if row["way"] == "auto_convert"}
    for entry in entries.values():
        if entry["status"] == "converted" and entry["location_id"] not in {None, *by_itself}:
            path = f"/api/v1/waitlist/{entry['id']}/convert"
            own = [one for one in evidence.told.answers if one.org_id == entry["org_id"]]
            asked = [one for one in own if one.path == path and may_have_happened(one)]
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
    offers: _Offers,
    told: _Told,
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
