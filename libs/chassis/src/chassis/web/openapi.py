"""OpenAPI 3.1, generated from the routes and their pydantic models.

Invariant: what is described is what is served, since both come from the same `Route`s; but for what is served beside
them, which is described where it is served.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from chassis.web.errors import STATUSES, ErrorAnswer
from chassis.web.routes import Route

_REF = "#/components/schemas/{model}"
_EVERY_OPERATION = ("unauthenticated", "forbidden", "rate_limited", "unavailable")
_RATE_LIMIT = {
    "RateLimit-Limit": "Requests that the key may make a minute; where there is no limit, nothing tells of it.",
    "RateLimit-Remaining": "Requests that it may make at once.",
    "RateLimit-Reset": "Seconds until it may make one more.",
}
_RETRY = {"Retry-After": "Seconds until the same request is worth another try."}
_KEYS: Mapping[str, Mapping[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_PARAMETER = re.compile(r"\{(\w+)\}")

Paths = Mapping[str, Mapping[str, Any]]
"""Operations as OpenAPI writes them, by path and method."""

Schemas = Mapping[Any, dict[str, Any]]  # by (model, mode): the key type that pydantic answers is private to it


def describe(
    *, title: str, version: str, routes: Sequence[Route], statuses: Mapping[str, int], others: Paths
) -> dict[str, Any]:
    """Describe an API as an OpenAPI 3.1 document, ready for JSON.

    Args:
        title: the API's name.
        version: its version.
        routes: its operations.
        statuses: the status of each of the service's own error codes.
        others: what is served beside the routes.
    """
    schemas, found = models_json_schema(_models(routes), ref_template=_REF)
    definitions = found.get("$defs", {})
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = _operation(route, schemas, definitions, {**STATUSES, **statuses})
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    paths |= {path: dict(methods) for path, methods in others.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "security": [{way: []} for way in _KEYS],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "headers": {
                name: {"description": told, "schema": {"type": "integer", "minimum": 0}}
                for name, told in (_RATE_LIMIT | _RETRY).items()
            },
            "securitySchemes": _KEYS,
        },
    }


def _models(routes: Iterable[Route]) -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ErrorAnswer, "serialization"): None}
    for route in routes:
        for model in (route.body, route.query):
            if model is not None:
                wanted[model, "validation"] = None
        if route.answer is not None:
            wanted[route.answer, "serialization"] = None
        if route.refusals is not None:
            wanted[route.refusals.answer, "serialization"] = None
    return list(wanted)


def _operation(
    route: Route, schemas: Schemas, definitions: Mapping[str, Any], statuses: Mapping[str, int]
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{'_'.join(re.findall(r'[a-z0-9]+', route.path))}",
        "summary": route.summary,
        "description": f"Scope: `{route.scope}`.",
        "tags": [route.tag],
        "security": [{way: [route.scope]} for way in _KEYS],
        "parameters": _parameters(route, schemas, definitions),
        "responses": {str(route.status): _success(route, schemas), **_failures(route, schemas, statuses)},
    }
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": _json(schemas[route.body, "validation"])}
    return operation


def _parameters(route: Route, schemas: Schemas, definitions: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]
    if route.query is not None:
        schema = definitions[schemas[route.query, "validation"]["$ref"].removeprefix(_REF.format(model=""))]
        found += [
            {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": part}
            for name, part in schema.get("properties", {}).items()
        ]
    headers = dict(route.headers)
    if route.method == "POST":
        headers["Idempotency-Key"] = "Sent again with the same key, the request is done once."
    return found + [
        {"name": name, "in": "header", "required": False, "description": told, "schema": {"type": "string"}}
        for name, told in headers.items()
    ]


def _success(route: Route, schemas: Schemas) -> dict[str, Any]:
    told: dict[str, Any] = {"description": "Done.", "headers": _headers(_RATE_LIMIT)}
    if route.answer is not None:
        told["content"] = _json(schemas[route.answer, "serialization"])
    return told


def _failures(route: Route, schemas: Schemas, statuses: Mapping[str, int]) -> dict[str, Any]:
    codes = {*_EVERY_OPERATION, *route.errors}
    if route.body is not None:
        codes |= {"invalid_json", "body_too_large", "unsupported_media_type", "validation_failed"}
    if route.query is not None or route.headers:
        codes.add("validation_failed")
    if _PARAMETER.search(route.path):
        codes.add("not_found")
    if route.method == "POST":
        codes |= {"idempotency_key_reused", "idempotency_in_progress"}
    refused = route.refusals
    told_as = {**statuses, **({} if refused is None else refused.statuses)}
    schema = schemas[ErrorAnswer if refused is None else refused.answer, "serialization"]
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes):
        by_status.setdefault(told_as[code], []).append(code)
    told: dict[str, Any] = {
        str(status): {
            "description": ", ".join(f"`{code}`" for code in codes_of),
            "content": _json(schema),
        }
        for status, codes_of in sorted(by_status.items())
    }
    told[str(told_as["rate_limited"])]["headers"] = _headers(_RATE_LIMIT | _RETRY)
    return told


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
