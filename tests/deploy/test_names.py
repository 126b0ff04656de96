"""Whatever is named SLOTWIRE_… where Slotwire is deployed or told of is something that is read."""

import re
from pathlib import Path

import pytest

from chassis.settings import ServiceSettings
from devstack.summary import Running
from devstack.tenant import Tenant
from pages.settings import SERVICES, names, variable, variables
from support.manifests import ROOT, compose, manifests

NAME = re.compile(r"\bSLOTWIRE_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_…])")
FILES = (
    ROOT / "README.md",
    ROOT / "Dockerfile",
    ROOT / "docker-compose.yml",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(path for path in (ROOT / "deploy").rglob("*") if path.is_file()),
)
SECRETS_DIR = "SLOTWIRE_SECRETS_DIR"
COMPOSE_ONLY = {
    "SLOTWIRE_TAG",
    "SLOTWIRE_SITE",
    "SLOTWIRE_GATEWAY_ADDRESS",
    "SLOTWIRE_GATEWAY_PORT",
    "SLOTWIRE_PROMETHEUS_PORT",
    "SLOTWIRE_PROMETHEUS_RETENTION",
    "SLOTWIRE_GRAFANA_PORT",
}
"""What Compose's file itself takes; no service reads it."""

STACK = Running("", Tenant("", "", "", ""), "", "", dict.fromkeys(SERVICES, ""), Path()).env().keys()
"""What the embedded stack tells a shell."""

IN_THE_IMAGE = {"SLOTWIRE_HOST", "SLOTWIRE_PORT", "SLOTWIRE_LOG_FORMAT"}
"""What is as it must be in a container."""

WITH_ANOTHER = {"SLOTWIRE_DRAIN_SECONDS"}
"""What cannot be changed alone: the time that Compose gives a container to end follows from it."""

SECRETS = {
    variable(ServiceSettings, name)
    for name in ("postgres_url", "secret_key", "old_secret_keys", "service_key", "old_service_keys")
}
"""What comes from files."""


OPENTELEMETRY = {
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_RESOURCE_ATTRIBUTES",
}
"""What its library reads by itself."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_name_is_read_by_something(file: Path) -> None:
    assert set(NAME.findall(file.read_text())) <= names() | {SECRETS_DIR} | COMPOSE_ONLY | STACK


def test_a_name_that_nobody_reads_is_noticed() -> None:
    assert NAME.findall("`SLOTWIRE_WEBHOOK_TIMEOUTS`, SLOTWIRE_WEBHOOK_… and SLOTWIRE_KEY") == [
        "SLOTWIRE_WEBHOOK_TIMEOUTS",
        "SLOTWIRE_KEY",
    ]
    assert "SLOTWIRE_WEBHOOK_TIMEOUTS" not in names()


@pytest.mark.parametrize("service", SERVICES)
def test_compose_passes_on_all_that_a_service_reads_and_nothing_else(service: str) -> None:
    told = set(compose()["services"][service]["environment"])
    assert told - {SECRETS_DIR} - OPENTELEMETRY == variables(SERVICES[service]) - SECRETS - IN_THE_IMAGE - WITH_ANOTHER


def test_no_name_stands_in_the_default_of_another() -> None:
    """Compose 1.29 leaves such a name as it is written."""
    nested = re.compile(r"\$\{[^}]*\$\{")
    assert nested.search("${SLOTWIRE_A:-of ${SLOTWIRE_B:-1}}")
    assert nested.findall((ROOT / "docker-compose.yml").read_text()) == []


def test_kubernetes_is_told_what_compose_is_told() -> None:
    here = manifests()["ConfigMap", "slotwire"]["data"]
    assert here.keys() <= names() | {SECRETS_DIR}
    there = {
        name: value
        for service in SERVICES
        for name, value in compose()["services"][service]["environment"].items()
        if value is not None and name.startswith("SLOTWIRE_")
    }
    elsewhere = {"SLOTWIRE_KAFKA_BOOTSTRAP", "SLOTWIRE_PUBLIC_URL"}  # which every installation has at its own place
    assert here.keys() == there.keys()
    assert {name: here[name] for name in here.keys() - elsewhere} == {
        name: there[name] for name in there.keys() - elsewhere
    }
