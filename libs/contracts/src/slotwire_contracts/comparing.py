"""What comparisons of two JSON Schemas of the same thing stand on: their nodes, and what is found.

Invariant: a node has no reference left at its top, whichever document it stands in.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["AT_LEAST", "AT_MOST", "Finding", "Node", "unjudged"]

AT_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
"""Bounds that allow more the lower they are."""

AT_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
"""Bounds that allow more the higher they are."""

_ALTERNATIVES = ("anyOf", "oneOf")
_JUDGED = {
    *AT_LEAST,
    *AT_MOST,
    *("$id", "format", "pattern"),
    *("type", "const", "enum", *_ALTERNATIVES, "properties", "required", "additionalProperties", "items"),
}
# A discriminator only helps to choose among alternatives, which are judged.
_SAYS_NOTHING = {"$schema", "$defs", "title", "description", "default", "examples", "deprecated", "discriminator"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A change that an older reader or caller cannot take.

    Attributes:
        where: the file or operation, and the path of keys inside.
        problem: what may happen now that could not happen before.
    """

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Node:
    """A schema inside a document; `body` has no reference left at its top."""

    body: Mapping[str, Any]
    document: Mapping[str, Any]

    def at(self, body: Any) -> "Node":
        """Answer another schema of the document, which may be a reference or just true."""
        body = {} if body is True else body
        while "$ref" in body:
            target: Mapping[str, Any] = self.document
            for key in body["$ref"].removeprefix("#/").split("/"):
                target = target[key]
            body = {**target, **{key: value for key, value in body.items() if key != "$ref"}}
        return Node(body, self.document)

    def has_alternatives(self) -> bool:
        """Tell whether it is one of several."""
        return any(key in self.body for key in _ALTERNATIVES)

    def alternatives(self) -> list["Node"]:
        """Spread what stands beside `anyOf` or `oneOf` over its members."""
        for key in _ALTERNATIVES:
            if key in self.body:
                beside = {name: value for name, value in self.body.items() if name != key}
                return [self.at({**beside, **each}) for each in self.body[key]]
        return [self]

    def types(self) -> set[str]:
        """List the types that it allows; none is any."""
        given = self.body.get("type", [])
        return {given} if isinstance(given, str) else set(given)

    def values(self) -> set[str] | None:
        """List the values that it allows, as JSON; None is any."""
        if "const" in self.body:
            return {json.dumps(self.body["const"])}
        return {json.dumps(value) for value in self.body["enum"]} if "enum" in self.body else None

    def required(self) -> set[str]:
        """List the keys that must be there."""
        return set(self.body.get("required", ()))

    def properties(self) -> Mapping[str, Any]:
        """Answer the schemas of the keys that it names."""
        given: Mapping[str, Any] = self.body.get("properties", {})
        return given

    def others(self) -> Any:
        """Answer the schema of the keys that it does not name, or whether there may be any."""
        return self.body.get("additionalProperties", True)


def unjudged(old: Node, new: Node, where: str) -> Iterator[Finding]:
    """Find differences that no rule judges."""
    for key in sorted((old.body.keys() | new.body.keys()) - _JUDGED - _SAYS_NOTHING):
        if old.body.get(key) != new.body.get(key):
            yield Finding(where, f"its {key} changed, which this check cannot judge")
