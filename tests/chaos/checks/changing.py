"""The part of I1 that is about changes: nothing changes that nobody asked for, and what was told to have ended has.

Invariant: a request that was refused changes nothing, whoever sent it; one that was not answered may have, once.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from chaos.checks.asking import table_of, thing_of
from chaos.checks.reading import Happening, by_id, by_subject, changes, may_have_happened, published, strings
from chaos.checks.scales import Scales
from chaos.evidence import Answer, Evidence
from slotwire_contracts import BOOKING_EVENTS, WAITLIST_EVENTS

_FAMILIES = ("reservation.", "waitlist_entry.")
_OTHERS = frozenset(
    {"reservation.created", "waitlist_entry.joined", "waitlist_entry.notified", "waitlist_entry.offer_expired"}
)
"""What begins there, and what becomes of offers: one is taken back, too, behind an accept that is refused for it."""
_SUBSCRIPTIONS = "webhook_dispatcher.subscriptions"

_Asked = Mapping[tuple[str, str], set[int]]
"""Which requests may have changed each thing, by its organization and id."""


def weigh_changes(scales: Scales, evidence: Evidence) -> None:
    """Check that bookings and entries changed no more often than they were asked to, and that ends were kept."""
    asked = _asked(evidence)
    for (org_id, subject), events in by_subject(published(evidence, BOOKING_EVENTS.name, WAITLIST_EVENTS.name)).items():
        by_staff = [one for one in events if _is_by_staff(one)]
        names = {subject, *(name for one in by_staff for name in _asked_through(one))}
        wishes = {number for name in names for number in asked.get((org_id, name), ())}
        if by_staff:
            scales.weigh(
                len({one.event.get("correlationid", one.id) for one in by_staff}) <= len(wishes),
                "more was changed than its organization asked for",
                id=subject,
                events=[(one.id, one.type, one.time) for one in by_staff],
                asked=len(wishes),
            )
    _ends_are_kept(scales, evidence)


def _asked(evidence: Evidence) -> _Asked:
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for number, answer in enumerate(evidence.told.answers):
        if answer.method != "GET" and may_have_happened(answer) and not _asks_for_something_new(answer):
            for name in {*answer.path.partition("?")[0].split("/"), *strings(answer.body)}:
                found[answer.org_id, name].add(number)
    return found


def _asks_for_something_new(answer: Answer) -> bool:
    """Tell whether it is to make a booking or an entry, which changes none that is there."""
    return answer.method == "POST" and answer.path.rpartition("/")[2] in {"bookings", "registrations", "waitlist"}


def _is_by_staff(one: Happening) -> bool:
    is_change = one.type.startswith(_FAMILIES) and one.type not in _OTHERS
    return is_change and one.event.get("actor") == "staff"


def _asked_through(one: Happening) -> Iterator[str]:
    """Tell what else may be asked that changes it: of its event instance."""
    for name in ("event_instance_id", "eventInstanceId"):
        if (instance_id := one.resource.get(name)) is not None:
            yield instance_id


def _ends_are_kept(scales: Scales, evidence: Evidence) -> None:
    """Check that a subscription is as ended as its client was told."""
    kept = by_id(evidence, _SUBSCRIPTIONS)
    for answer in changes(evidence):
        row = kept.get(thing_of(answer)[0] or "")
        wanted = _end_of(answer) if table_of(answer) == _SUBSCRIPTIONS else None
        if wanted is not None and row is not None and not _is_enabled_again(evidence, answer):
            scales.weigh(
                row["state"] in {wanted, "deleted"},
                "a subscription has not ended as its client was told",
                subscription_id=row["id"],
                told=wanted,
                state=row["state"],
            )


def _end_of(answer: Answer) -> str | None:
    if answer.method == "DELETE":
        return "deleted"
    return "disabled" if answer.path.endswith("/disable") else None


def _is_enabled_again(evidence: Evidence, answer: Answer) -> bool:
    path = answer.path.removesuffix("/disable") + "/enable"
    return any(one.path == path and may_have_happened(one) for one in evidence.told.answers)
