"""I10: no request reads or changes another organization's rows.

Invariant: whose an id is, is told by the row that has it as its own; wherever else it stands, it is of the same.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from chaos.checks.asking import asked_of
from chaos.checks.reading import by_subject, is_success, published, strings
from chaos.checks.scales import Scales
from chaos.evidence import Evidence, Finding

_OWN = "id", "event_id", "chain_id"
_GIVEN = "chain_id"
"""What others give, so that two organizations may have the same."""


def organizations_are_apart(evidence: Evidence) -> Finding:
    """Check that nothing of one organization names an id of another."""
    scales = Scales("I10")
    owners = _owners(evidence)
    _nothing_is_of_two(scales, evidence)
    _answers_are_apart(scales, evidence, owners)
    _strangers_change_nothing(scales, evidence, owners)
    _rows_are_apart(scales, evidence, owners)
    organizations = {one.id: one.org_id for one in evidence.told.subscribers}
    for arrival in evidence.told.arrivals:
        _weigh(scales, owners, organizations.get(arrival.subscription_id), arrival.event, "webhook", arrival.webhook_id)
    for one in published(evidence):
        _weigh(scales, owners, one.org_id, one.event, "event", one.id)
    for org_id, feed in evidence.stored.feeds.items():
        for row in feed:
            _weigh(scales, owners, org_id, row, "feed", row["id"])
    return scales.finding()


def _owners(evidence: Evidence) -> dict[str, str]:
    """Tell whose each id is. What two organizations have, as ids that others gave, is nobody's."""
    found = {org_id: {org_id} for org_id in evidence.told.org_ids}
    for table in evidence.stored.tables.values():
        for row in table:
            for column in _OWN:
                if isinstance(row.get("org_id"), str) and isinstance(row.get(column), str):
                    found.setdefault(row[column], set()).add(row["org_id"])
    return {one: next(iter(org_ids)) for one, org_ids in found.items() if len(org_ids) == 1}


def _nothing_is_of_two(scales: Scales, evidence: Evidence) -> None:
    """Check that what has an id of ours is one organization's in every table that has it."""
    found: dict[str, set[str]] = defaultdict(set)
    for table in evidence.stored.tables.values():
        for row in table:
            for column in _OWN:
                if column != _GIVEN and isinstance(row.get("org_id"), str) and isinstance(row.get(column), str):
                    found[row[column]].add(row["org_id"])
    for one, org_ids in found.items():
        if org_ids & set(evidence.told.org_ids):
            scales.weigh(len(org_ids) == 1, "one thing is two organizations'", id=one, org_ids=sorted(org_ids))


def _weigh(scales: Scales, owners: Mapping[str, str], org_id: str | None, value: Any, kind: str, name: str) -> None:
    foreign = sorted(set(_foreign(owners, org_id, value)))
    scales.weigh(
        not foreign,
        f"what is one organization's names what is another's, in its {kind}",
        org_id=org_id,
        name=name,
        foreign={one: owners[one] for one in foreign},
    )


def _foreign(owners: Mapping[str, str], org_id: str | None, value: Any) -> Iterator[str]:
    return (one for one in strings(value) if owners.get(one, org_id) != org_id)


def _answers_are_apart(scales: Scales, evidence: Evidence, owners: Mapping[str, str]) -> None:
    for answer in evidence.told.answers:
        asked = [*answer.path.replace("?", "/").split("/"), *strings(answer.body)]
        meddled = sorted(set(_foreign(owners, answer.org_id, asked)))
        scales.weigh(
            not (meddled and is_success(answer)),
            "a request that named another organization's was granted",
            org_id=answer.org_id,
            method=answer.method,
            path=answer.path,
            status=answer.status,
            foreign=meddled,
        )
        told = [one for one in strings(answer.told) if one not in meddled]
        _weigh(scales, owners, answer.org_id, told, "answer", f"{answer.method} {answer.path}")


def _strangers_change_nothing(scales: Scales, evidence: Evidence, owners: Mapping[str, str]) -> None:
    """Check that nothing ever was as a stranger asked for it, whatever the stranger was told."""
    asked = {(one.org_id, one.path, *field) for one in evidence.told.answers for field in asked_of(one).items()}
    told = by_subject(published(evidence))
    for org_id, path, name, value in asked:
        subject = path.rpartition("/")[2]
        owner = owners.get(subject, org_id)
        if owner != org_id and (owner, path, name, value) not in asked:
            so = [one.id for one in told.get((owner, subject), ()) if one.resource.get(name) == value]
            scales.weigh(
                not so,
                "something was changed as a stranger asked for it",
                id=subject,
                owner=owner,
                stranger=org_id,
                asked={name: value},
                events=so,
            )


def _rows_are_apart(scales: Scales, evidence: Evidence, owners: Mapping[str, str]) -> None:
    """Check the rows that name their organization; each names nothing of another."""
    for table, some in evidence.stored.tables.items():
        for row in some:
            if row.get("org_id") in evidence.told.org_ids:
                _weigh(scales, owners, row["org_id"], list(row.values()), "row", table)
    _joined_rows_are_apart(scales, evidence, owners)


def _joined_rows_are_apart(scales: Scales, evidence: Evidence, owners: Mapping[str, str]) -> None:
    """Check the rows that name no organization: all that they name is one's."""
    for table in ("booking.occupancy", "booking.spots", "webhook_dispatcher.attempts", "webhook_dispatcher.turns"):
        for row in evidence.stored.tables.get(table, ()):
            named = {owners[one] for one in strings(list(row.values())) if one in owners}
            scales.weigh(len(named) <= 1, f"a row of {table} joins two organizations", **row)
