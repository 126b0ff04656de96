"""What the dashboard and the alerts ask for is what running services tell; and Compose provisions both."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from booking import app as booking
from calcom_sync import app as calcom_sync
from chassis.service import migrate
from support.promql import DEPLOY, Query, alerting, leaves_out, panels, rules, shown
from support.servers import Servers
from support.system import ServiceProcess, service_environment
from support.waiting import eventually
from waitlist import app as waitlist
from webhook_dispatcher import app as webhook_dispatcher

ROOT = DEPLOY.parent
SERVICES = {
    "booking": "booking",
    "waitlist": "waitlist",
    "webhook-dispatcher": "webhook_dispatcher",
    "calcom-sync": "calcom_sync",
}
"""The package of each service, by its job."""
PROMETHEUS_S, OF_EVERY_SERIES = "up", ("job", "instance", "le")
"""A series and labels that Prometheus adds by itself, and the one of histograms."""
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
PROBES = ("/healthz", "/readyz", "/metrics")

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
async def told(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mapping[str, bool]]:
    """The names of the series that the running services tell of, and whether there is one of the name."""
    env = service_environment(servers, SLOTWIRE_BOOKING_URL="http://127.0.0.1:1")
    logs = tmp_path_factory.mktemp("logs")
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        processes = [ServiceProcess(module, env, logs / job) for job, module in SERVICES.items()]
        for process in processes:
            await migrate(servers.postgres_url, process.module)
            stack.push_async_callback(asyncio.to_thread, process.stop)
            await asyncio.to_thread(process.start)
        for process in processes:
            await eventually(process.ready)
        yield dict(sorted([one for process in processes for one in await series(http, process)]))


async def series(http: aiohttp.ClientSession, process: ServiceProcess) -> list[tuple[str, bool]]:
    """The names of the series that a service tells of, and whether there is one of the name yet."""
    async with http.get(f"{process.url}/metrics") as answer:
        families = list(text_string_to_metric_families(await answer.text()))
    there = {sample.name for family in families for sample in family.samples}
    names = [family.name + suffix for family in families for suffix in SUFFIXES.get(family.type, ("",))]
    return [(name, name in there) for name in names]


def labelled() -> dict[str, set[str]]:
    """The labels of each family; of those that are not ours there are none."""
    assert all(app.VERSION for app in (booking, waitlist, webhook_dispatcher, calcom_sync))  # composed of all of them
    families = REGISTRY._collector_to_names
    return {name: set(getattr(family, "_labelnames", ())) for family, names in families.items() for name in names}


@pytest.mark.parametrize("query", [*alerting(), *shown()], ids=lambda query: query.place)
async def test_what_is_asked_for_is_told(query: Query, told: Mapping[str, bool]) -> None:
    names = {str(selector.name) for selector in query.selectors}
    assert names
    assert names <= told.keys() | {PROMETHEUS_S}
    assert query.labels <= set(OF_EVERY_SERIES).union(*(labelled().get(name, ()) for name in names))


def test_a_query_that_is_none_and_a_name_that_nobody_tells_are_noticed() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        _ = Query("", "sum by (job (x)").parsed
    query = Query("", 'sum by (job) (rate(a_total{b="c"}[$__rate_interval])) / on (d) e')
    assert [selector.name for selector in query.selectors] == ["a_total", "e"]
    assert query.labels == {"job", "b", "d"}


def test_what_is_counted_is_counted_from_nought(told: Mapping[str, bool]) -> None:
    """Of a series that begins with 1 Prometheus sees no increase, and the first would be missed."""
    counted = {name for query in alerting() for name in query.increasing}
    assert counted
    assert {name for name in counted if not told[name]} == set()


def test_no_alert_joins_what_never_meets() -> None:
    assert {query.place: query.contradictions for query in alerting() if query.contradictions} == {}
    never = 'increase(a_total{b="c"}[1h]) > 3 and (increase(a_total{b="d"}[1h]) == 0)'
    assert Query("", never).contradictions == {"b"}
    assert not Query(
        "", 'sum by (e) (increase(a_total{b="c"}[1h])) > 3 unless sum by (e) (a_total{b="d"})'
    ).contradictions


def test_all_that_services_measure_is_on_the_dashboard(told: Mapping[str, bool]) -> None:
    seen = {family_of(str(selector.name)) for query in shown() for selector in query.selectors}
    ours = {family_of(name) for name in told if name.startswith(("slotwire_", "http_", "kafka_", "db_"))}
    assert {name for name in ours if not name.endswith("_created")} == {name for name in seen if name in ours}


def family_of(name: str) -> str:
    return re.sub("_(bucket|count|sum)$", "", name) if "connection" not in name else name


def test_no_probe_counts_as_an_error() -> None:
    """A service that is not ready says 503 to probes, and is not asked for anything else meanwhile."""
    asked = [selector for query in [*alerting(), *shown()] for selector in query.selectors]
    requests = [selector for selector in asked if str(selector.name).startswith("http_server_request_duration")]
    assert requests
    assert all(leaves_out(selector, "http_route", probe) for selector in requests for probe in PROBES)


def test_every_alert_is_in_the_docs_and_none_other() -> None:
    page = (ROOT / "docs" / "observability.md").read_text()
    assert re.findall(r"^\| `(Slotwire\w+)` \|", page, re.MULTILINE) == [rule["alert"] for rule in rules()]
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]


def test_the_lines_that_the_page_leads_to_are_written() -> None:
    page = (ROOT / "docs" / "observability.md").read_text()
    told = re.findall(r"lines? ((?:`\w+`(?:, | and )?)+)", page)
    named = {name for some in told for name in re.findall(r"`(\w+)`", some)}
    folders = [ROOT / "libs", ROOT / "services"]
    sources = "".join(path.read_text() for folder in folders for path in folder.rglob("src/**/*.py"))
    assert len(named) >= 8
    assert [name for name in named if f'"{name}"' not in sources] == []


def test_panels_lie_beside_each_other() -> None:
    places = [panel["gridPos"] for panel in panels()]
    cells = [
        (x, y)
        for one in places
        for x in range(one["x"], one["x"] + one["w"])
        for y in range(one["y"], one["y"] + one["h"])
    ]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in panels()}) == len(panels())


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return read


def mounted(service: str) -> dict[str, Path]:
    """The files of this repository that a container has, by where."""
    volumes = [volume.split(":") for volume in compose()["services"][service]["volumes"]]
    return {inside: ROOT / outside for outside, inside, *_ in volumes if outside.startswith("./")}


def test_compose_has_prometheus_scrape_every_service_and_read_the_rules() -> None:
    files = mounted("prometheus")
    config = yaml.safe_load(files["/etc/prometheus/prometheus.yml"].read_text())
    assert [files[name] for name in config["rule_files"]] == [DEPLOY / "prometheus" / "rules.yml"]
    scraped = {job["job_name"]: job["dns_sd_configs"][0] for job in config["scrape_configs"]}
    assert scraped.keys() == SERVICES.keys() <= compose()["services"].keys()
    assert all(one["names"] == [job] and one["port"] == 8080 for job, one in scraped.items())


def test_compose_has_grafana_show_the_dashboard_from_that_prometheus() -> None:
    files = mounted("grafana")
    provisioning = files["/etc/grafana/provisioning"]
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "slotwire.yml").read_text())["providers"]
    assert source["url"] == "http://prometheus:9090"
    assert {panel["datasource"]["uid"] for panel in panels() if "datasource" in panel} == {source["uid"]}
    assert [path.name for path in files[provider["options"]["path"]].iterdir()] == ["slotwire.json"]


def test_both_run_only_where_they_are_asked_for_and_are_reached_from_this_machine_alone() -> None:
    for name in ("prometheus", "grafana"):
        service = compose()["services"][name]
        assert service["profiles"] == ["observability"]
        assert [port.startswith("127.0.0.1:") for port in service["ports"]] == [True]


def test_what_compose_can_be_told_of_them_and_of_traces_is_in_the_docs() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    names = set(re.findall(r"\b(?:OTEL_\w+|SLOTWIRE_(?:PROMETHEUS|GRAFANA)_\w+)", text))
    page = (ROOT / "docs" / "observability.md").read_text()
    assert len(names) == 8
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) & names == names
