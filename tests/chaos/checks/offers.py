"""I8: at most one live offer per entry, each with a live hold; from its deadline on an offer is dead.

Invariant: what is live is told by the offers' rows and by what guests were told, and both are looked at.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from chaos.checks.conversions import weigh_conversions
from chaos.checks.reading import Happening, by_id, by_subject, grouped, published, rows
from chaos.checks.scales import Scales
from chaos.evidence import Evidence, Finding, Row
from slotwire_contracts import WAITLIST_EVENTS

_TOLD_AT_ONCE = "notify_all"
_UNDER_WAY = frozenset({"requested", "live"})
_HOLDING = ("booking.occupancy", "booking.spots")
_SOON = timedelta(minutes=1)
"""How long before its deadline an offer is left alone: it may have passed while the tables were read."""


def offers_are_single_and_held(evidence: Evidence) -> Finding:
    """Check the offers as they stand, as they were told, and what came of them."""
    scales = Scales("I8")
    entries = by_id(evidence, "waitlist.entries")
    offers = grouped(rows(evidence, "waitlist.offers"), "entry_id")
    told = {subject: some for (_, subject), some in by_subject(published(evidence, WAITLIST_EVENTS.name)).items()}
    _live_offers_have_holds(scales, evidence, entries, offers)
    _offers_are_held(scales, evidence, entries, offers)
    _one_is_told_at_a_time(scales, told)
    weigh_conversions(scales, evidence, entries, offers, told)
    return scales.finding()


def _live_offers_have_holds(
    scales: Scales, evidence: Evidence, entries: Mapping[str, Row], offers: Mapping[str, Sequence[Row]]
) -> None:
    holds, now = by_id(evidence, "booking.holds"), _read_at(evidence)
    holding = {row["hold_id"] for table in _HOLDING for row in rows(evidence, table)}
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
            if one["held"]:
                _is_held(scales, one, holds.get(one["hold_id"]), takes_place=one["hold_id"] in holding)


def _is_held(scales: Scales, offer: Row, hold: Row | None, *, takes_place: bool) -> None:
    scales.weigh(
        hold is not None and hold["expires_at"] >= offer["expires_at"],
        "a live offer has no live hold",
        offer_id=offer["id"],
        expires_at=offer["expires_at"],
        hold=hold,
    )
    scales.weigh(
        hold is None or takes_place,
        "what is held for a live offer takes no place",
        offer_id=offer["id"],
        hold=hold,
    )


def _offers_are_held(
    scales: Scales, evidence: Evidence, entries: Mapping[str, Row], offers: Mapping[str, Sequence[Row]]
) -> None:
    """Check that what is offered is held, but where all who fit are told at once."""
    services = {row["id"]: row["service_id"] for row in rows(evidence, "booking.event_instances")}
    at_once = {row["place_id"] for row in rows(evidence, "waitlist.policies") if row["way"] == _TOLD_AT_ONCE}
    for entry_id, some in offers.items():
        entry = entries[entry_id]
        place = entry["location_id"] or services.get(entry["event_instance_id"])
        for one in some:
            scales.weigh(
                one["held"] or place in at_once,
                "an offer is held for nobody, and is not one of many",
                offer_id=one["id"],
                entry_id=entry_id,
                place=place,
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
