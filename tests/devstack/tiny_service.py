"""A real, tiny HTTP service with the few endpoints the supervisor itself needs, for tests of the supervisor alone.

It takes TINY_DRAIN_SECONDS, 0 by default, to end.
"""

import asyncio
import os

from aiohttp import web

made: dict[str, list[dict[str, str]]] = {"schedules": [], "event-types": []}


async def ready(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ready"})


async def listing(request: web.Request) -> web.Response:
    return web.json_response({"data": made[request.match_info["collection"]]})


async def create(request: web.Request) -> web.Response:
    collection = request.match_info["collection"]
    made[collection].append({"id": f"{collection}_{len(made[collection])}"})
    return web.json_response({"data": made[collection][-1]}, status=201)


async def whoami(_request: web.Request) -> web.Response:
    return web.json_response({"pid": os.getpid()})


async def told(_request: web.Request) -> web.Response:
    return web.json_response({name: os.environ.get(name) for name in ("SLOTWIRE_SECRET_KEY", "SLOTWIRE_SERVICE_KEY")})


async def drain(_app: web.Application) -> None:
    await asyncio.sleep(float(os.environ.get("TINY_DRAIN_SECONDS", "0")))


def main() -> None:
    app = web.Application()
    app.on_cleanup.append(drain)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/whoami", whoami)
    app.router.add_get("/told", told)
    app.router.add_get("/api/v1/{collection:schedules|event-types}", listing)
    app.router.add_post("/api/v1/{collection:schedules|event-types}", create)
    web.run_app(app, host=os.environ["SLOTWIRE_HOST"], port=int(os.environ["SLOTWIRE_PORT"]), print=None)


if __name__ == "__main__":
    main()
