"""The demo tenant: an organization, an admin key with all scopes, a schedule and an event type to book at once.

Invariant: what was made once is used again as long as the server still knows it, so that a key in someone's shell keeps
working over restarts; otherwise all of it is made anew.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from chassis import identity
from chassis.identity import Identity, KeyKind
from devstack.folder import Folder
from devstack.record import read_json, write_atomically
from devstack.stack import Api, RefusedError, api_at

SCHEDULE = {"name": "Demo", "timezone": "UTC", "capacity": 1, "auto_confirm": False}
EVENT_TYPE = {"name": "Consultation", "duration_minutes": 60}


@dataclass(frozen=True)
class Tenant:
    """The demo tenant's ids and its key."""

    org: str
    key: str
    schedule: str
    event_type: str


async def ensure_tenant(folder: Folder, url: str, postgres_url: str) -> Tenant:
    """The kept demo tenant if the API at `url` still knows it, else a new one, kept from now on.

    Raises:
        RefusedError: the API refused or did not answer.
    """
    kept = read_json(folder.demo)
    if kept:
        tenant = Tenant(**kept)
        if await _known(url, tenant):
            return tenant
    tenant = await _make(url, postgres_url)
    write_atomically(folder.demo, json.dumps(asdict(tenant)))
    return tenant


async def _known(url: str, tenant: Tenant) -> bool:
    async with api_at(url, tenant.key) as api:
        try:
            return await _lists(api, "schedules", tenant.schedule) and await _lists(
                api, "event-types", tenant.event_type
            )
        except RefusedError:
            return False


async def _lists(api: Api, collection: str, wanted: str) -> bool:
    listed = await api.call("GET", f"/api/v1/{collection}?limit=200")
    return any(one["id"] == wanted for one in listed["data"])


async def _make(url: str, postgres_url: str) -> Tenant:
    org, key = await _make_key(postgres_url)
    async with api_at(url, key) as api:
        schedule = await _create(api, "schedules", SCHEDULE)
        event_type = await _create(api, "event-types", {**EVENT_TYPE, "schedule_id": schedule})
    return Tenant(org, key, schedule, event_type)


async def _make_key(postgres_url: str) -> tuple[str, str]:
    await identity.migrate(postgres_url)
    organizations, database = Identity.on(postgres_url)
    async with database.opened():
        org = await organizations.create_organization("Demo")
        created = await organizations.create_key(org, KeyKind.ADMIN, ["*"], name="demo")
    return org, created.key


async def _create(api: Api, collection: str, body: dict[str, Any]) -> str:
    made = await api.call("POST", f"/api/v1/{collection}", body)
    return str(made["data"]["id"])
