"""I11: a poison message never stops a partition: it goes to `<topic>.dlq` with the reason.

Invariant: each group that reads the topic sets the record aside, as it stood, and nothing else is ever set aside.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from chaos.checks.scales import Scales
from chaos.evidence import Evidence, Finding, Poison, Record
from chaos.groups import GROUPS
from slotwire_contracts import dead_letter_topic

_REASON = "slotwire-dead-letter-reason"
_GROUP = "slotwire-dead-letter-group"
_ORIGIN = "slotwire-dead-letter-origin"
_DEAD = dead_letter_topic("")

_Letters = Mapping[tuple[str, str], Sequence[Record]]
"""Dead letters by their group and where they stood."""


def poison_is_set_aside(evidence: Evidence) -> Finding:
    """Check that all poison is with the dead letters, that its partitions went on, and that nothing else is there."""
    scales = Scales("I11")
    records = evidence.stored.records
    dead = [one for one in records if one.topic.endswith(_DEAD) and one.timestamp >= evidence.told.began_at]
    letters: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for one in dead:
        letters[_header(one, _GROUP), _header(one, _ORIGIN)].append(one)
    originals = {_place(one): one for one in records}
    for poison in evidence.told.poison:
        for group in _readers(poison.topic):
            _is_set_aside(scales, poison, group, letters, originals.get(_place(poison)))
            committed = evidence.stored.committed.get((group, poison.topic, poison.partition), 0)
            scales.weigh(
                committed > poison.offset,
                "a partition stopped at a record that could not be read",
                group=group,
                record=_place(poison),
                committed=committed,
            )
    _nothing_else_is_dead(scales, evidence, dead)
    return scales.finding()


def _place(one: Poison | Record) -> str:
    return f"{one.topic}/{one.partition}/{one.offset}"


def _header(record: Record, name: str) -> str:
    return record.headers.get(name, b"").decode()


def _readers(topic: str) -> list[str]:
    return [group for group, topics in GROUPS.items() if topic in topics]


def _is_set_aside(scales: Scales, poison: Poison, group: str, letters: _Letters, original: Record | None) -> None:
    found = letters.get((group, _place(poison)), ())
    scales.weigh(
        bool(found) and all(_is_as_it_stood(one, poison, original) for one in found),
        "a record that could not be read is not with the dead letters as it stood, with the reason",
        group=group,
        record=_place(poison),
        value=poison.value,
        found=[(one.topic, one.value, dict(one.headers)) for one in found],
    )


def _is_as_it_stood(letter: Record, poison: Poison, original: Record | None) -> bool:
    return (
        letter.topic == dead_letter_topic(poison.topic)
        and (letter.value or b"") == poison.value
        and (original is None or letter.key == original.key)
        and bool(_header(letter, _REASON))
    )


def _nothing_else_is_dead(scales: Scales, evidence: Evidence, dead: Sequence[Record]) -> None:
    planted = {(_place(one), group) for one in evidence.told.poison for group in _readers(one.topic)}
    for one in dead:
        scales.weigh(
            (_header(one, _ORIGIN), _header(one, _GROUP)) in planted,
            "a record was set aside that no poison was",
            topic=one.topic,
            offset=one.offset,
            headers=dict(one.headers),
            value=one.value,
        )
