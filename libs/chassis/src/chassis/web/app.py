"""Composition of a service's web application out of its routes.

Invariant: making an application connects to nothing.
"""

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from aiohttp import web
from pydantic_core import to_json

from chassis.crypto import Sealer
from chassis.identity import Identity
from chassis.web.endpoint import Endpoint
from chassis.web.observability import Check, add_operations, answering
from chassis.web.openapi import Paths, describe
from chassis.web.rate_limits import RateLimits
from chassis.web.routes import Route

_BODY_BYTES = 256 * 1024
_REFERENCE_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="docs/static/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="docs/static/swagger-ui-bundle.js"></script>
<script>
const reference = SwaggerUIBundle({{
  url: "openapi.json", dom_id: "#reference", deepLinking: true,
  // Behind a gateway it may be another document, of more than this service.
  onComplete() {{ document.title = reference.specSelectors.info().get("title") }}
}})
</script>
</body>
</html>
"""

DESCRIPTION = web.AppKey("description", bytes)
"""What `/openapi.json` answers."""


def create_web_app(
    *,
    title: str,
    version: str,
    routes: Sequence[Route],
    statuses: Mapping[str, int],
    identity: Identity,
    sealer: Sealer,
    rate_limits: RateLimits | None,
    checks: Mapping[str, Check],
    others: Paths = MappingProxyType({}),
) -> web.Application:
    """Make the application that serves some routes, and beside them health, metrics, OpenAPI and a reference page.

    Args:
        title: the API's name.
        version: its version.
        routes: its operations.
        statuses: the status of each of the service's own error codes.
        identity: where keys are looked up.
        sealer: what seals kept answers.
        rate_limits: what counts the requests of keys; None for no limit.
        checks: what `/readyz` asks.
        others: what the caller adds to the application beside the routes, as OpenAPI describes it.
    """
    app = web.Application(client_max_size=_BODY_BYTES, middlewares=[answering(statuses)])
    for route in routes:
        app.router.add_route(route.method, route.path, Endpoint(route, identity, sealer, rate_limits).answer)
    add_operations(app, checks)
    app[DESCRIPTION] = to_json(describe(title=title, version=version, routes=routes, statuses=statuses, others=others))
    _add_reference(app, title)
    return app


def _add_reference(app: web.Application, title: str) -> None:
    """Add `/openapi.json`, and `/docs` with all its files served from here."""
    page = _REFERENCE_PAGE.format(title=title)

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(body=app[DESCRIPTION], content_type="application/json")

    async def docs(_: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    app.router.add_get("/openapi.json", openapi)
    app.router.add_get("/docs", docs)
    app.router.add_static("/docs/static", Path(str(resources.files("swagger_ui") / "static")))
