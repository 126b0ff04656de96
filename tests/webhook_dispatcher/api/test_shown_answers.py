"""What an endpoint answers is kept cut and shown as text: whoever reads it later is not at its mercy."""

import json

from aiohttp import web

from support.booking_service import Caller
from support.dispatcher import a_happening
from support.endpoints import Endpoint, endpoint
from support.waiting import eventually
from support.webhook_service import SUBSCRIPTIONS, WebhookService

HOSTILE = b'</script><script>alert(1)</script>"}\r\n\0\x1b[2J\xff\xe2\x80\xae'


def hostile(_: Endpoint) -> web.Response:
    return web.Response(status=200, body=HOSTILE + b"x" * 1_000_000, headers={"X-Odd": "<b>caf\udce9</b>"})


async def test_an_answer_is_cut_and_shown_as_json(owner: Caller, service: WebhookService) -> None:
    """«response bodies stored cut and shown escaped»"""
    async with endpoint(hostile) as receiver:
        made = await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"]})
        path = f"{SUBSCRIPTIONS}/{made.data['id']}/deliveries"
        await service.publish(a_happening(orgid=owner.org_id))

        async def came() -> bool:
            return bool((await owner.get(f"{path}?status=delivered")).data)

        await eventually(came, within=15)
    (delivery,) = (await owner.get(path)).data
    async with owner.http.get(
        f"{owner.base}/api/v1/webhooks/deliveries/{delivery['id']}", headers=owner.headers
    ) as response:
        raw = await response.read()
        assert response.headers["content-type"].startswith("application/json")
        assert response.headers["x-content-type-options"] == "nosniff"
    assert not any(byte < 0x20 for byte in raw)  # control characters are escaped
    (attempt,) = json.loads(raw)["data"]["attempts"]
    assert attempt["response_body"] == (HOSTILE + b"x" * 4096)[:4096].decode(errors="replace")
    assert attempt["response_headers"]["x-odd"].startswith("<b>caf")
