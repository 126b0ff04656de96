"""What an older reader could not read: the rules, on two JSON Schemas of the same thing.

Invariant: a reader of the old schema that skips unknown keys can read whatever the new one allows, or there is a
finding; a difference that no rule judges is a finding too.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Finding", "findings"]

_SAME = ("$id", "format", "pattern")
_AT_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_AT_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_JUDGED = {"type", "const", "enum", "anyOf", "properties", "required", "additionalProperties", "items"}
_SAYS_NOTHING = {"$schema", "$defs", "title", "description", "default", "examples", "deprecated"}
_IGNORED = {*_SAME, *_AT_LEAST, *_AT_MOST, *_JUDGED, *_SAYS_NOTHING}


@dataclass(frozen=True, slots=True)
class Finding:
    """A change that an older reader cannot take.

    Attributes:
        where: the file and the path of keys inside the document.
        problem: what may happen now that could not happen before.
    """

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


@dataclass(frozen=True, slots=True)
class _Node:
    """A schema inside a document; `body` has no reference left at its top."""

    body: Mapping[str, Any]
    document: Mapping[str, Any]

    def at(self, body: Mapping[str, Any]) -> "_Node":
        while "$ref" in body:
            target: Mapping[str, Any] = self.document
            for key in body["$ref"].removeprefix("#/").split("/"):
                target = target[key]
            body = {**target, **{key: value for key, value in body.items() if key != "$ref"}}
        return _Node(body, self.document)

    def alternatives(self) -> list["_Node"]:
        """Spread what stands beside `anyOf` over its members."""
        if "anyOf" not in self.body:
            return [self]
        beside = {key: value for key, value in self.body.items() if key != "anyOf"}
        return [self.at({**beside, **each}) for each in self.body["anyOf"]]

    def types(self) -> set[str]:
        given = self.body.get("type", [])
        return {given} if isinstance(given, str) else set(given)

    def values(self) -> set[str] | None:
        if "const" in self.body:
            return {json.dumps(self.body["const"])}
        return {json.dumps(value) for value in self.body["enum"]} if "enum" in self.body else None

    def others(self) -> Any:
        return self.body.get("additionalProperties", True)


def findings(old: Mapping[str, Any], new: Mapping[str, Any], where: str) -> Iterator[Finding]:
    """Compare two schemas.

    Args:
        old: what the reader was made for.
        new: what is to be written.
        where: how findings call the document.
    """
    yield from _compare(_Node(old, old).at(old), _Node(new, new).at(new), where)


def _compare(old: _Node, new: _Node, where: str) -> Iterator[Finding]:
    if "anyOf" in old.body or "anyOf" in new.body:
        for alternative in new.alternatives():
            yield from _nearest(old.alternatives(), alternative, where)
        return
    for rule in (_types, _values, _sameness, _bounds, _properties, _others, _items, _unjudged):
        yield from rule(old, new, where)


def _nearest(old: list[_Node], new: _Node, where: str) -> list[Finding]:
    """Answer what stands between a new alternative and the old one that comes nearest to it."""
    judged = [(any(_types(each, new, where)), list(_compare(each, new, where))) for each in old]
    return min(judged, key=lambda pair: (bool(pair[1]), pair[0], len(pair[1])))[1]


def _types(old: _Node, new: _Node, where: str) -> Iterator[Finding]:
    known = old.types()
    if not known:
        return
    if not new.types():
        yield Finding(where, "may now be of any type")
    for added in sorted(new.types() - known):
        if not (added == "integer" and "number" in known):
            yield Finding(where, f"may now be of type {added}")


def _values(old: _Node, new: _Node, where: str) -> Iterator[Finding]:
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


def _sameness(old: _Node, new: _Node, where: str) -> Iterator[Finding]:
    for key in _SAME:
        if key in old.body and new.body.get(key) != old.body[key]:
            yield Finding(where, f"its {key} changed from {old.body[key]} to {new.body.get(key)}")


def _bounds(old: _Node, new: _Node, where: str) -> Iterator[Finding]:
    for keys, sign in ((_AT_LEAST, 1), (_AT_MOST, -1)):
        for key in keys:
            if key in old.body and (key not in new.body or sign * new.body[key] < sign * old.body[key]):
                yield Finding(where, f"its {key} was loosened from {old.body[key]} to {new.body.get(key, 'none')}")


def _properties(old: _Node, new: _Node, where: str) -> Iterator[Finding]:
    before, after = old.body.get("properties", {}), new.body.get("properties", {})
    for name in sorted(set(old.body.get("required", [])) - set(new.body.get("required", []))):
        if name in after or name not in before:
            yield Finding(f"{where}.{name}", "may now be absent")
    for name, body in before.items():
        if name not in after:
            yield Finding(f"{where}.{name}", "is gone")
        else:
            yield from _compare(old.at(body), new.at(after[name]), f"{where}.{name}")
    for name in after.keys() - before.keys():
        yield from _other(old, new, after[name], f"{where}.{name}")


def _others(old: _Node, new: _Node, where: str) -> Iterator[Finding]:
    yield from _other(old, new, new.others(), f"{where}.*")


def _other(old: _Node, new: _Node, body: Any, where: str) -> Iterator[Finding]:
    """Judge what may stand under keys that the old schema does not name."""
    known = old.others()
    if known is True or body is False:
        return
    if known is False or body is True:
        yield Finding(where, "is new where the old schema allows no such key")
    else:
        yield from _compare(old.at(known), new.at(body), where)


def _items(old: _Node, new: _Node, where: str) -> Iterator[Finding]:
    if "items" not in old.body:
        return
    if "items" not in new.body:
        yield Finding(where, "may now hold anything")
    else:
        yield from _compare(old.at(old.body["items"]), new.at(new.body["items"]), f"{where}[]")


def _unjudged(old: _Node, new: _Node, where: str) -> Iterator[Finding]:
    for key in sorted((old.body.keys() | new.body.keys()) - _IGNORED):
        if old.body.get(key) != new.body.get(key):
            yield Finding(where, f"its {key} changed, which this check cannot judge")
