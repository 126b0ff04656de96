"""What a caller made for an older OpenAPI document could not do, or could not read, any more.

What is sent is judged by `acceptance`, what is answered by `readability`.

Invariant: no finding means that each operation of the older document is still there, open to the same keys, takes what
it took, and answers what its callers can read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from slotwire_contracts import acceptance, readability
from slotwire_contracts.comparing import Finding, Node

__all__ = ["FILE_NAME", "findings"]

FILE_NAME = "openapi.json"
"""The document's file. It is made from the services, which this package does not know."""

Document = Mapping[str, Any]


def findings(old: Document, new: Document) -> Iterator[Finding]:
    """Compare two documents, and answer each finding once.

    Args:
        old: what callers were made for.
        new: what is to be served.
    """
    yield from dict.fromkeys(_operations(Node(old, old), Node(new, new)))


def _operations(old: Node, new: Node) -> Iterator[Finding]:
    for path, methods in old.body["paths"].items():
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            present = new.body["paths"].get(path, {}).get(method)
            if present is None:
                yield Finding(where, "is gone")
                continue
            for rule in (_security, _parameters, _body, _answers):
                yield from rule(old.at(operation), new.at(present), where)


def _security(old: Node, new: Node, where: str) -> Iterator[Finding]:
    known, asked = (each.body.get("security", each.document.get("security", [])) for each in (old, new))
    if asked and not known:
        yield Finding(where, "now asks for a key")
    for way in known:
        if asked and way not in asked:
            yield Finding(where, f"is no longer open to {_told(way)}")


def _told(way: Mapping[str, list[str]]) -> str:
    return " with ".join(f"{scheme} {' '.join(scopes)}".strip() for scheme, scopes in way.items()) or "everybody"


def _parameters(old: Node, new: Node, where: str) -> Iterator[Finding]:
    known, taken = (_by_name(each) for each in (old, new))
    for name, parameter in taken.items():
        was_required = name in known and known[name].body.get("required", False)
        if parameter.body.get("required", False) and not was_required:
            yield Finding(f"{where} {name}", "must now be sent")
    for name, parameter in known.items():
        if name not in taken:
            yield Finding(f"{where} {name}", "is no longer taken")
        else:
            sent, present = (each.at(each.body["schema"]) for each in (parameter, taken[name]))
            yield from acceptance.compare(sent, present, f"{where} {name}")


def _by_name(operation: Node) -> Mapping[str, Node]:
    """Answer the parameters by where they stand and how they are called; headers have no capitals."""
    given = [operation.at(each) for each in operation.body.get("parameters", ())]
    return {f"{each.body['in']} {_name(each)}": each for each in given}


def _name(parameter: Node) -> str:
    name: str = parameter.body["name"]
    return name.lower() if parameter.body["in"] == "header" else name


def _body(old: Node, new: Node, where: str) -> Iterator[Finding]:
    known, taken = (each.at(each.body.get("requestBody", {})) for each in (old, new))
    if taken.body.get("required", False) and not known.body.get("required", False):
        yield Finding(f"{where} body", "must now be sent")
    for media_type, content in known.body.get("content", {}).items():
        present = taken.body.get("content", {}).get(media_type)
        if present is None:
            yield Finding(f"{where} body", f"is no longer taken as {media_type}")
        else:
            yield from acceptance.compare(known.at(content["schema"]), taken.at(present["schema"]), f"{where} body")


def _answers(old: Node, new: Node, where: str) -> Iterator[Finding]:
    known, given = old.body["responses"], new.body["responses"]
    for status in given.keys() - known.keys():
        if status.startswith("2"):
            yield Finding(f"{where} {status}", "is answered now, which a caller does not expect")
    for status, answer in known.items():
        if status not in given:
            yield Finding(f"{where} {status}", "is answered no more")
        else:
            yield from _answer(old.at(answer), new.at(given[status]), f"{where} {status}")


def _answer(old: Node, new: Node, where: str) -> Iterator[Finding]:
    for name, header in old.body.get("headers", {}).items():
        present = new.body.get("headers", {}).get(name)
        if present is None:
            yield Finding(f"{where} header {name}", "is gone")
        else:
            known, given = (each.at(each.body["schema"]) for each in (old.at(header), new.at(present)))
            yield from readability.compare(known, given, f"{where} header {name}")
    for media_type, content in old.body.get("content", {}).items():
        present = new.body.get("content", {}).get(media_type)
        if present is None:
            yield Finding(where, f"is no longer told as {media_type}")
        else:
            yield from readability.compare(old.at(content["schema"]), new.at(present["schema"]), where)
