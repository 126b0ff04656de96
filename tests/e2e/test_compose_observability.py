"""Prometheus of the Compose profile `observability` takes the rules, reads every service, and notices one that is gone.

Grafana is left out: its files are checked in tests/deploy, and here each of its queries is asked.
"""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from devstack.ports import HOST, free_port
from support.compose import Project, project, require_compose
from support.promql import Query, rules, shown
from support.waiting import eventually

pytestmark = pytest.mark.timeout(900)

SERVICES = ("booking", "waitlist", "webhook-dispatcher", "calcom-sync")
FOLDER = "/etc/prometheus"


class Prometheus:
    """What Prometheus tells."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def ask(self, path: str, **params: str) -> Any:
        """The data of an answer, which must be a success; `None` while nobody answers."""
        try:
            async with self._http.get(f"/api/v1/{path}", params=params) as answer:
                told = await answer.json()
        except aiohttp.ClientError:
            return None
        assert told["status"] == "success", told
        return told["data"]

    async def read(self) -> dict[str, list[str]]:
        """How each process is that it reads, by service."""
        found: dict[str, list[str]] = {}
        for target in (await self.ask("targets") or {"activeTargets": []})["activeTargets"]:
            found.setdefault(target["labels"]["job"], []).append(target["health"])
        return found

    async def alerts(self) -> dict[str, dict[str, Any]]:
        """The alerts that it evaluates, by name."""
        groups = (await self.ask("rules"))["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Project]:
    """The services and their Prometheus, which has read each of them."""
    require_compose()
    env = {"SLOTWIRE_TAG": "tests", "SLOTWIRE_PROMETHEUS_PORT": str(free_port())}
    async with project("docker-compose.yml", **env) as stack:
        await stack.run("build")
        await stack.run("up", "--detach", "prometheus", *SERVICES)
        yield stack


@pytest.fixture(scope="module")
async def prometheus(stack: Project) -> AsyncIterator[Prometheus]:
    """Its API, on the port of this machine alone; every service has been read."""
    async with aiohttp.ClientSession(f"http://{HOST}:{stack.env['SLOTWIRE_PROMETHEUS_PORT']}") as http:
        prometheus = Prometheus(http)

        async def reads_all() -> bool:
            return await prometheus.read() == {service: ["up"] for service in SERVICES}

        await eventually(reads_all, within=180)
        yield prometheus


@pytest.mark.parametrize("words", [("config", f"{FOLDER}/prometheus.yml"), ("rules", f"{FOLDER}/rules.yml")])
async def test_its_own_tool_finds_no_fault_in_the_files(stack: Project, words: tuple[str, str]) -> None:
    told = await stack.run("exec", "-T", "prometheus", "promtool", "check", *words)
    assert f"{len(rules())} rules found" in told


async def test_every_alert_is_evaluated_and_services_that_are_well_raise_none(prometheus: Prometheus) -> None:
    expected = {rule["alert"]: ("ok", "inactive") for rule in rules()}

    async def quiet() -> bool:
        return {name: (rule["health"], rule["state"]) for name, rule in (await prometheus.alerts()).items()} == expected

    await eventually(quiet, within=120)


@pytest.mark.parametrize("query", list(shown()), ids=lambda query: query.place)
async def test_it_takes_what_the_dashboard_asks(prometheus: Prometheus, query: Query) -> None:
    assert await prometheus.ask("query", query=query.sent) is not None


async def test_it_is_reached_from_this_machine_alone(stack: Project) -> None:
    published = (await stack.containers())["prometheus"]["HostConfig"]["PortBindings"]
    assert published == {"9090/tcp": [{"HostIp": HOST, "HostPort": stack.env["SLOTWIRE_PROMETHEUS_PORT"]}]}


async def test_every_replica_is_read(stack: Project, prometheus: Prometheus) -> None:
    await stack.run("up", "--detach", "--no-recreate", "--scale", "waitlist=2", "waitlist")

    async def reads_both() -> bool:
        return (await prometheus.read())["waitlist"] == ["up", "up"]

    await eventually(reads_both)


async def test_a_service_that_is_gone_is_noticed(stack: Project, prometheus: Prometheus) -> None:
    await stack.run("stop", "--timeout", "5", "calcom-sync")

    async def noticed() -> bool:
        alert = (await prometheus.alerts())["SlotwireServiceDown"]
        return {one["labels"]["job"] for one in alert["alerts"]} == {"calcom-sync"}

    await eventually(noticed)
