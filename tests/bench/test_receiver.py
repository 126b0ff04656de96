"""The receiver answers as the path says, and notes what it took."""

import asyncio
import json
import time

import pytest
from bench.measures.streets import FAILING, HANGING, HEALTHY
from bench.programs.channel import Channel, request
from bench.programs.receiver import Endpoint, host

from devstack.ports import free_port

BODY = b'{"id":"dlv_1","resourceId":"bk_1"}'


async def test_only_what_was_taken_is_noted() -> None:
    port, before = free_port(), time.time_ns() // 1000
    hosts = [host(number) for number in range(2)]
    server = await asyncio.get_running_loop().create_server(Endpoint, hosts, port)
    async with server:
        first, second = [await Channel.connected(one, port) for one in hosts]
        assert await first.ask(request("POST", HEALTHY, body=BODY)) == (200, b"")
        assert await second.ask(request("POST", FAILING, body=BODY)) == (500, b"")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await second.ask(request("POST", HANGING, body=BODY))
        assert await first.ask(request("GET", "/count")) == (200, b"1")
        _, told = await first.ask(request("GET", "/arrivals"))
        ((resource, at),) = json.loads(told)
        assert resource == "bk_1"
        assert before <= at <= time.time_ns() // 1000
        assert await first.ask(request("GET", "/count")) == (200, b"0")
        first.close()
        second.close()
