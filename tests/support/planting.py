"""Planting breaches into a small run, and finding them.

Invariant: what is planted is one change of a right run; whatever is found came of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from chaos.checks import findings
from chaos.evidence import Answer, Arrival, Evidence, Record
from support.small_house import Story
from support.small_story import a_small_story

Plant = Callable[[Story], Evidence | None]
"""Changes a run, or answers other evidence of it."""

T = TypeVar("T", Answer, Arrival, Record)


def found_with(plant: Plant) -> list[tuple[str, str]]:
    """Tell what is found when something was planted: invariants and sentences, each once."""
    story = a_small_story()
    evidence = plant(story) or story.evidence()
    return sorted({(breach.invariant, breach.what) for one in findings(evidence) for breach in one.breaches})


def row(story: Story, table: str, **told: Any) -> dict[str, Any]:
    """Find the last row of a table that has these values."""
    return [one for one in story.run.tables[table] if told.items() <= one.items()][-1]


def without(story: Story, table: str, **told: Any) -> dict[str, Any]:
    """Take such a row away."""
    gone = row(story, table, **told)
    story.run.tables[table].remove(gone)
    return gone


def other(some: list[T], meant: Callable[[T], bool], **told: Any) -> T:
    """Replace some values of the last one that is meant; answers it as it was."""
    place = max(number for number, one in enumerate(some) if meant(one))
    before = some[place]
    some[place] = replace(before, **told)
    return before


def stored(story: Story, **told: Any) -> Evidence:
    """Tell other things of what the stores hold."""
    evidence = story.evidence()
    assert told.keys() <= {one.name for one in fields(evidence.stored)}
    return replace(evidence, stored=replace(evidence.stored, **told))


def records_of(story: Story, event_id: str) -> Sequence[int]:
    """Tell the places in the list of records at which an event stands."""
    return [place for place, one in enumerate(story.run.records) if f'"id":"{event_id}"'.encode() in (one.value or b"")]
