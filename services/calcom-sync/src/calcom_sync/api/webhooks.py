"""Where Cal.com sends its webhooks: no API key, but a signature over the body as it came.

Invariants: it answers as soon as what came is kept, and reads nothing of Cal.com meanwhile, which waits for the answer
and sends nothing twice; strangers never use up what a genuine sender may send.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web

from calcom_sync.api.integrations import PATH
from calcom_sync.domain.errors import UnauthenticatedError, ValidationFailedError
from calcom_sync.service.metrics import WEBHOOKS
from calcom_sync.service.webhooks import Taken, Webhooks
from chassis.web import RateLimits
from chassis.web.errors import api_error

SIGNATURE = "X-Cal-Signature-256"
_PATH = f"{PATH}/webhook/{{org}}"
_ORGANIZATION = re.compile(r"[\x21-\x7e]{1,128}")
_STRANGERS = "strangers"  # are counted together: what they call themselves is theirs to choose


@dataclass(frozen=True)
class Receiver:
    """The handler.

    Attributes:
        webhooks: takes them in.
        genuine: counts what each organization is sent.
        others: counts what nobody has signed.
    """

    webhooks: Webhooks
    genuine: RateLimits
    others: RateLimits

    async def receive(self, request: web.Request) -> web.Response:
        """Take one in."""
        org_id, body = request.match_info["org"], await request.read()
        try:
            taken = await self._taken(org_id, body, request.headers.get(SIGNATURE))
        except UnauthenticatedError:
            WEBHOOKS.labels("refused").inc()
            await _count(self.others, _STRANGERS)
            raise
        except ValidationFailedError:
            WEBHOOKS.labels("unreadable").inc()
            raise
        WEBHOOKS.labels(taken.value).inc()
        status = HTTPStatus.ACCEPTED if taken is Taken.MARKED else HTTPStatus.OK
        return web.json_response({"data": {"taken_as": taken.value}}, status=status)

    async def _taken(self, org_id: str, body: bytes, signed: str | None) -> Taken:
        is_flood = not await self.others.allows(_STRANGERS)
        await self.webhooks.check(org_id if _ORGANIZATION.fullmatch(org_id) else "", body, signed, is_flood=is_flood)
        await _count(self.genuine, org_id)
        return await self.webhooks.take(org_id, body)


def add_receiver(app: web.Application, webhooks: Webhooks, **limits: Any) -> None:
    """Add the receiver to the application: no key opens it, so it is none of the routes."""
    app.router.add_post(_PATH, Receiver(webhooks, **limits).receive)


def _answers(told: Mapping[str, str], schema: Mapping[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {status: {"description": meaning, "content": content} for status, meaning in told.items()}


_TAKEN = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "object",
            "required": ["taken_as"],
            "properties": {"taken_as": {"type": "string", "enum": [one.value for one in Taken]}},
        }
    },
}
RECEIVING = {
    _PATH: {
        "post": {
            "operationId": "post_calcom_webhook",
            "summary": "Take a webhook of Cal.com's in; the bookings that it names are read again at Cal.com",
            "description": "Cal.com sends it. There is no API key: it is signed with the integration's webhook secret.",
            "tags": ["integrations"],
            "security": [],
            "parameters": [
                {
                    "name": "org",
                    "in": "path",
                    "required": True,
                    "description": "The organization's id.",
                    "schema": {"type": "string"},
                },
                {
                    "name": SIGNATURE,
                    "in": "header",
                    "required": True,
                    "description": "The HMAC-SHA256 of the body, in hex.",
                    "schema": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
                },
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
            "responses": {
                **_answers({"200": "There is nothing new to read.", "202": "What it names will be read."}, _TAKEN),
                **_answers(
                    {
                        "401": "`unauthenticated`",
                        "404": "`not_found`",
                        "413": "`body_too_large`",
                        "422": "`validation_failed`",
                        "429": "`rate_limited`",
                        "503": "`unavailable`",
                    },
                    {"$ref": "#/components/schemas/ErrorAnswer"},
                ),
            },
        }
    }
}
"""The receiver as OpenAPI describes it."""


async def _count(limits: RateLimits, sender: str) -> None:
    standing = await limits.count(sender)
    if not standing.allowed:
        WEBHOOKS.labels("limited").inc()
        raise api_error(
            "rate_limited",
            f"more webhooks came than are taken in for now; the next in {standing.seconds} s",
            headers={"Retry-After": str(standing.seconds)},
        )
