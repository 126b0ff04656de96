"""The OpenAPI documents of several services as one, for the gateway in front of them.

Invariant: every operation of every service is in it, once, at the path by which the gateway reaches that service, with
the answers of both; and a component's name means one thing in it, which is what it meant where it came from.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from devstack.gateway import route

Document = Mapping[str, Any]

_SCHEMAS = "#/components/schemas/"
_OTHER_COMPONENTS = ("headers", "securitySchemes")
_OF_THE_GATEWAY = {
    "502": ("BadGateway", "`bad_gateway`: the service does not answer"),
    "504": ("GatewayTimeout", "`gateway_timeout`: it has the request and says nothing"),
}


class MergeError(ValueError):
    """The documents do not go together; the message says where."""


def merge(documents: Mapping[str, Document], *, title: str, description: str) -> dict[str, Any]:
    """Make one document of the services' own.

    What schemas of several services are called alike keeps its name where it is the same in all of them, and is named
    after its service too where it is not.

    Args:
        documents: by service.
        title: what the whole is called.
        description: what is to be known of it.

    Raises:
        MergeError: two of them tell different things of one path, operation or component, or the gateway leads a path
            elsewhere.
    """
    clashing = _clashing([document["components"]["schemas"] for document in documents.values()])
    merged = [_named(document, service, clashing) for service, document in documents.items()]
    _refuse_two_of_a_kind(documents)
    version = _agreed("version", (document["info"]["version"] for document in merged))
    return {
        "openapi": _agreed("openapi", (document["openapi"] for document in merged)),
        "info": {"title": title, "version": version, "description": description},
        "security": _agreed("security", (document["security"] for document in merged)),
        "paths": {
            path: {method: _behind_the_gateway(operation) for method, operation in methods.items()}
            for document in merged
            for path, methods in document["paths"].items()
        },
        "components": {
            "schemas": dict(sorted(_united("schemas", merged).items())),
            "responses": {name: _error(told) for name, told in _OF_THE_GATEWAY.values()},
            **{kind: _united(kind, merged) for kind in _OTHER_COMPONENTS},
        },
    }


def _behind_the_gateway(operation: Document) -> dict[str, Any]:
    """Add what the gateway answers in a service's place; the same status may have reasons of the service's own."""
    own, answers = operation["responses"], dict(operation["responses"])
    for status, (name, told) in _OF_THE_GATEWAY.items():
        answers[status] = (
            {**own[status], "description": f"{own[status]['description']}, {told}"}
            if status in own
            else {"$ref": f"#/components/responses/{name}"}
        )
    return {**operation, "responses": dict(sorted(answers.items()))}


def _error(told: str) -> dict[str, Any]:
    return {"description": told, "content": {"application/json": {"schema": {"$ref": f"{_SCHEMAS}ErrorAnswer"}}}}


def _clashing(schemas: Iterable[Mapping[str, Any]]) -> set[str]:
    """Find the names that mean different things, be it only by what they refer to."""
    meanings: dict[str, list[Any]] = {}
    for of_one in schemas:
        for name, body in of_one.items():
            meanings.setdefault(name, []).append(body)
    shared = {name: bodies for name, bodies in meanings.items() if len(bodies) > 1}
    found = {name for name, bodies in shared.items() if any(body != bodies[0] for body in bodies)}
    while more := {name for name in shared.keys() - found if found & set(_referred(shared[name][0]))}:
        found |= more
    return found


def _referred(node: Any) -> Iterator[str]:
    # Every string that points to a schema, as those of a discriminator's mapping are no `$ref`.
    return (found for found in re.findall(rf'"{_SCHEMAS}([^"]+)"', json.dumps(node)))


def _named(document: Document, service: str, clashing: set[str]) -> dict[str, Any]:
    """Answer a service's document with what clashes named after it."""
    prefix = "".join(word.capitalize() for word in service.split("-"))

    def name(given: str) -> str:
        return f"{prefix}{given}" if given in clashing else given

    components = document["components"]
    schemas = {name(given): body for given, body in components["schemas"].items()}
    if len(schemas) < len(components["schemas"]):
        raise MergeError(f"{service}: what {prefix} is put before has a namesake")
    named: dict[str, Any] = _replaced({**document, "components": {**components, "schemas": schemas}}, name)
    return named


def _replaced(node: Any, name: Callable[[str], str]) -> Any:
    """Answer a node with every pointer to a schema leading to its new name."""
    if isinstance(node, dict):
        return {key: _replaced(child, name) for key, child in node.items()}
    if isinstance(node, list):
        return [_replaced(child, name) for child in node]
    if isinstance(node, str) and node.startswith(_SCHEMAS):
        return _SCHEMAS + name(node.removeprefix(_SCHEMAS))
    return node


def _united(kind: str, documents: Iterable[Document]) -> dict[str, Any]:
    united: dict[str, Any] = {}
    for document in documents:
        for name, body in document["components"].get(kind, {}).items():
            if united.setdefault(name, body) != body:
                raise MergeError(f"components.{kind}.{name} means several things")
    return united


def _refuse_two_of_a_kind(documents: Mapping[str, Document]) -> None:
    """See to it that each path leads to its service alone, and that operations can be told apart by their ids."""
    known: dict[str, str] = {}
    for service, document in documents.items():
        for path, methods in document["paths"].items():
            target = route(path, documents)
            if target is None or (target.service, target.path) != (service, path):
                raise MergeError(f"{service}: the gateway does not lead {path} there")
            for method, operation in methods.items():
                where = f"{method.upper()} {path}"
                if known.setdefault(operation["operationId"], where) != where:
                    raise MergeError(f"{where} has the operationId of {known[operation['operationId']]}")


def _agreed(what: str, given: Iterable[Any]) -> Any:
    first, *others = given
    if any(other != first for other in others):
        raise MergeError(f"the services do not agree on {what}: {[first, *others]}")
    return first
