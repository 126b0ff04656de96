"""What an older caller may send that is no longer taken: the rules, on two JSON Schemas of the same thing.

It is `readability` seen from the other side: there the new schema may allow no more than the old one, here no less.

Invariant: whatever the old schema allows to be sent the new one allows too, and means the same by what is left out, or
there is a finding; a difference that no rule judges is a finding too.
"""

from collections.abc import Iterator
from typing import Any

from slotwire_contracts.comparing import AT_LEAST, AT_MOST, Finding, Node, unjudged

__all__ = ["compare"]

_SAME = ("format", "pattern")


def compare(old: Node, new: Node, where: str) -> Iterator[Finding]:
    """Compare two schemas of what is sent.

    Args:
        old: what callers were made for.
        new: what is to be taken.
        where: how findings call it.
    """
    if old.has_alternatives() or new.has_alternatives():
        for alternative in old.alternatives():
            yield from _nearest(alternative, new.alternatives(), where)
        return
    for rule in (_types, _values, _sameness, _bounds, _default, _properties, _others, _items, unjudged):
        yield from rule(old, new, where)


def _nearest(old: Node, new: list[Node], where: str) -> list[Finding]:
    """Answer what stands between an old alternative and the new one that comes nearest to it."""
    judged = [(any(_types(old, each, where)), list(compare(old, each, where))) for each in new]
    return min(judged, key=lambda pair: (bool(pair[1]), pair[0], len(pair[1])))[1]


def _types(old: Node, new: Node, where: str) -> Iterator[Finding]:
    taken = new.types()
    if not taken:
        return
    if not old.types():
        yield Finding(where, f"is now taken as {', '.join(sorted(taken))} alone")
    for lost in sorted(old.types() - taken):
        if not (lost == "integer" and "number" in taken):
            yield Finding(where, f"is no longer taken as {lost}")


def _values(old: Node, new: Node, where: str) -> Iterator[Finding]:
    known, taken = old.values(), new.values()
    if taken is None:
        return
    if known is None:
        yield Finding(where, f"is now taken as {', '.join(sorted(taken))} alone")
        return
    for value in sorted(known - taken):
        yield Finding(where, f"is no longer taken as {value}")


def _sameness(old: Node, new: Node, where: str) -> Iterator[Finding]:
    for key in _SAME:
        if key in new.body and old.body.get(key) != new.body[key]:
            yield Finding(where, f"its {key} changed from {old.body.get(key)} to {new.body[key]}")


def _bounds(old: Node, new: Node, where: str) -> Iterator[Finding]:
    for keys, sign in ((AT_LEAST, 1), (AT_MOST, -1)):
        for key in keys:
            if key in new.body and (key not in old.body or sign * new.body[key] > sign * old.body[key]):
                yield Finding(where, f"its {key} was tightened from {old.body.get(key, 'none')} to {new.body[key]}")


def _default(old: Node, new: Node, where: str) -> Iterator[Finding]:
    if "default" in old.body and ("default" not in new.body or new.body["default"] != old.body["default"]):
        yield Finding(
            where, f"left out, it was {old.body['default']!r} and is now {new.body.get('default', 'nothing')!r}"
        )


def _properties(old: Node, new: Node, where: str) -> Iterator[Finding]:
    for name in sorted(new.required() - old.required()):
        yield Finding(f"{where}.{name}", "must now be sent")
    for name, body in old.properties().items():
        yield from _taken(old.at(body), new, new.properties().get(name, new.others()), f"{where}.{name}")


def _others(old: Node, new: Node, where: str) -> Iterator[Finding]:
    """Judge keys that the old schema does not name and takes all the same."""
    sent = old.others()
    if sent is not False:
        yield from _taken(old.at(sent), new, new.others(), f"{where}.*")


def _taken(sent: Node, new: Node, body: Any, where: str) -> Iterator[Finding]:
    if body is False:
        yield Finding(where, "is no longer taken")
    elif body is not True:
        yield from compare(sent, new.at(body), where)


def _items(old: Node, new: Node, where: str) -> Iterator[Finding]:
    if "items" in new.body:
        yield from compare(old.at(old.body.get("items", True)), new.at(new.body["items"]), f"{where}[]")
