"""The key for secrets at rest changes, as an operator changes it: with the old key beside the new one, then without."""

import base64
import secrets

import aiohttp

from calcom_sync.domain.integration import Integration
from calcom_sync.store.integrations import IntegrationStore
from chassis.crypto import Sealer
from support.booking_service import Caller
from support.calcom_service import API_KEY, INTEGRATION, CalcomService, running_calcom_service
from support.servers import Servers
from support.waiting import eventually

OLD, NEW = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))


async def sealed_with_old_keys(service: CalcomService) -> str:
    async with service.http.get(f"{service.base}/metrics") as response:
        told = await response.text()
    name = "slotwire_calcom_sealed_with_old_keys "
    (line,) = [line for line in told.splitlines() if line.startswith(name)]
    return line.removeprefix(name)


async def stored(service: CalcomService, org_id: str, key: str) -> Integration:
    """What opens of an integration with one key alone."""
    async with service.database.connection() as conn:
        found = await IntegrationStore(Sealer(base64.b64decode(key))).fetch(conn, org_id)
    assert found is not None
    return found


async def test_an_old_key_can_be_dropped_after_a_while(servers: Servers) -> None:
    body = {"api_key": API_KEY, "base_url": "http://127.0.0.1:9"}
    async with running_calcom_service(servers, secret_key=OLD) as service:
        admin = await service.caller()
        old_secret = (await admin.send("PUT", INTEGRATION, body)).data["webhook_secret"]
        rotated = await admin.send("PUT", INTEGRATION, {**body, "rotate_webhook_secret": True})
        secret = rotated.data["webhook_secret"]
        assert (await stored(service, admin.org_id, OLD)).api_key == API_KEY
    async with running_calcom_service(servers, secret_key=NEW, old_secret_keys=OLD) as service:

        async def is_sealed_anew() -> bool:
            return await sealed_with_old_keys(service) == "0.0"

        await eventually(is_sealed_anew, within=10)
        now = await stored(service, admin.org_id, NEW)
        assert (now.api_key, now.webhook_secret, now.old_secret) == (API_KEY, secret, old_secret)
        assert (await stored(service, admin.org_id, OLD)).api_key is None


async def test_what_cannot_be_read_has_to_be_given_again(servers: Servers) -> None:
    body = {"api_key": API_KEY, "base_url": "http://127.0.0.1:9"}
    async with running_calcom_service(servers) as service:
        admin = await service.caller()
        await admin.send("PUT", INTEGRATION, body)
    async with running_calcom_service(servers) as service, aiohttp.ClientSession() as http:
        same = Caller(admin.org_id, service.base, http, admin.headers)
        assert (await same.get(INTEGRATION)).data["api_key_ends"] == API_KEY[-4:]
        kept = await same.send("PUT", INTEGRATION, {"base_url": body["base_url"]})
        assert kept.body["error"]["message"] == "api_key: must be given again; the present one cannot be read"
        half = await same.send("PUT", INTEGRATION, body)
        assert half.body["error"]["param"] == "rotate_webhook_secret"
        whole = await same.send("PUT", INTEGRATION, {**body, "rotate_webhook_secret": True})
        assert whole.data["webhook_secret"] is not None
