"""What an older reader could not read: the rules, on two JSON Schemas of the same thing.

Invariant: a reader of the old schema that skips unknown keys can read whatever the new one allows, or there is a
finding; a difference that no rule judges is a finding too.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from slotwire_contracts.comparing import AT_LEAST, AT_MOST, Finding, Node, unjudged

__all__ = ["compare", "findings"]

_SAME = ("$id", "format", "pattern")


def findings(old: Mapping[str, Any], new: Mapping[str, Any], where: str) -> Iterator[Finding]:
    """Compare two schemas.

    Args:
        old: what the reader was made for.
        new: what is to be written.
        where: how findings call the document.
    """
    yield from compare(Node(old, old).at(old), Node(new, new).at(new), where)


def compare(old: Node, new: Node, where: str) -> Iterator[Finding]:
    """Compare two schemas that stand inside of documents."""
    if old.has_alternatives() or new.has_alternatives():
        for alternative in new.alternatives():
            yield from _nearest(old.alternatives(), alternative, where)
        return
    for rule in (_types, _values, _sameness, _bounds, _properties, _others, _items, unjudged):
        yield from rule(old, new, where)


def _nearest(old: list[Node], new: Node, where: str) -> list[Finding]:
    """Answer what stands between a new alternative and the old one that comes nearest to it."""
    judged = [(any(_types(each, new, where)), list(compare(each, new, where))) for each in old]
    return min(judged, key=lambda pair: (bool(pair[1]), pair[0], len(pair[1])))[1]


def _types(old: Node, new: Node, where: str) -> Iterator[Finding]:
    known = old.types()
    if not known:
        return
    if not new.types():
        yield Finding(where, "may now be of any type")
    for added in sorted(new.types() - known):
        if not (added == "integer" and "number" in known):
            yield Finding(where, f"may now be of type {added}")


def _values(old: Node, new: Node, where: str) -> Iterator[Finding]:
    known, given = old.values(), new.values()
    if known is None:
        return
    if given is None:
        yield Finding(where, "may now have any value")
        return
    for value in sorted(given - known):
        yield Finding(where, f"may now be {value}")
    for value in sorted(known - given):
        yield Finding(where, f"is never {value} any more, which a reader may wait for")


def _sameness(old: Node, new: Node, where: str) -> Iterator[Finding]:
    for key in _SAME:
        if key in old.body and new.body.get(key) != old.body[key]:
            yield Finding(where, f"its {key} changed from {old.body[key]} to {new.body.get(key)}")


def _bounds(old: Node, new: Node, where: str) -> Iterator[Finding]:
    for keys, sign in ((AT_LEAST, 1), (AT_MOST, -1)):
        for key in keys:
            if key in old.body and (key not in new.body or sign * new.body[key] < sign * old.body[key]):
                yield Finding(where, f"its {key} was loosened from {old.body[key]} to {new.body.get(key, 'none')}")


def _properties(old: Node, new: Node, where: str) -> Iterator[Finding]:
    before, after = old.properties(), new.properties()
    for name in sorted(old.required() - new.required()):
        if name in after or name not in before:
            yield Finding(f"{where}.{name}", "may now be absent")
    for name, body in before.items():
        if name not in after:
            yield Finding(f"{where}.{name}", "is gone")
        else:
            yield from compare(old.at(body), new.at(after[name]), f"{where}.{name}")
    for name in after.keys() - before.keys():
        yield from _other(old, new, after[name], f"{where}.{name}")


def _others(old: Node, new: Node, where: str) -> Iterator[Finding]:
    yield from _other(old, new, new.others(), f"{where}.*")


def _other(old: Node, new: Node, body: Any, where: str) -> Iterator[Finding]:
    """Judge what may stand under keys that the old schema does not name."""
    known = old.others()
    if known is True or body is False:
        return
    if known is False or body is True:
        yield Finding(where, "is new where the old schema allows no such key")
    else:
        yield from compare(old.at(known), new.at(body), where)


def _items(old: Node, new: Node, where: str) -> Iterator[Finding]:
    if "items" not in old.body:
        return
    if "items" not in new.body:
        yield Finding(where, "may now hold anything")
    else:
        yield from compare(old.at(old.body["items"]), new.at(new.body["items"]), f"{where}[]")
