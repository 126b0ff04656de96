"""The manifests are what Kubernetes and KEDA take, and say of Slotwire what Compose and the code say."""

import importlib
import json
import re
import shutil
import subprocess
from typing import Any, Literal

import kubernetes_validate
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from slotwire_contracts import BOOKING_EVENTS, TOPICS, public_topics
from support.manifests import KUBERNETES, ROOT, SERVICES, Manifest, compose, manifests, pod
from waitlist.stream import GROUP as WAITLIST
from webhook_dispatcher.consumer import GROUP as DISPATCHER

FOUND = manifests()
OURS = {key: one for key, one in FOUND.items() if one["apiVersion"] != "keda.sh/v1alpha1"}
SCALED = {key: one for key, one in FOUND.items() if key not in OURS}
PODS = {key: one for key, one in FOUND.items() if key[0] in {"Deployment", "Job"}}
VERSIONS = ("1.34", kubernetes_validate.latest_version())
"""The oldest that is asked for (a pause before a pod ends is stable since), and the newest that is known."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Labelled(Strict):
    name: str
    labels: dict[str, str]


class Target(Strict):
    name: str


class Lag(Strict):
    """KEDA's trigger `kafka`, of which numbers are told as text."""

    bootstrapServers: str  # noqa: N815 - as KEDA calls it
    consumerGroup: str  # noqa: N815 - as above
    topic: str
    lagThreshold: str = Field(pattern=r"^[1-9][0-9]*$")  # noqa: N815 - as above


class Trigger(Strict):
    type: Literal["kafka"]
    metadata: Lag


class HorizontalPodAutoscaler(Strict):
    behavior: dict[str, Any]


class Advanced(Strict):
    horizontalPodAutoscalerConfig: HorizontalPodAutoscaler  # noqa: N815 - as above


class ScaledObjectSpec(Strict):
    scaleTargetRef: Target  # noqa: N815 - as above
    minReplicaCount: PositiveInt  # noqa: N815 - as above
    maxReplicaCount: PositiveInt  # noqa: N815 - as above
    pollingInterval: PositiveInt  # noqa: N815 - as above
    cooldownPeriod: PositiveInt  # noqa: N815 - as above
    advanced: Advanced
    triggers: list[Trigger] = Field(min_length=1)


class ScaledObject(Strict):
    """As KEDA 2 defines it, of which this is what we use."""

    apiVersion: Literal["keda.sh/v1alpha1"]  # noqa: N815 - as above
    kind: Literal["ScaledObject"]
    metadata: Labelled
    spec: ScaledObjectSpec


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("key", OURS, ids="/".join)
def test_kubernetes_takes_it(key: tuple[str, str], version: str) -> None:
    kubernetes_validate.validate(OURS[key], version, strict=True)


@pytest.mark.parametrize("key", SCALED, ids="/".join)
def test_keda_takes_it(key: tuple[str, str]) -> None:
    told = ScaledObject.model_validate(SCALED[key]).spec
    autoscaler = OURS["HorizontalPodAutoscaler", "booking"]
    behavior = told.advanced.horizontalPodAutoscalerConfig.behavior
    scaled = autoscaler | {"spec": autoscaler["spec"] | {"behavior": behavior}}
    kubernetes_validate.validate(scaled, VERSIONS[-1], strict=True)


def test_what_it_does_not_take_is_noticed() -> None:
    broken = json.loads(json.dumps(OURS["Deployment", "booking"]))
    pod(broken)["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_every_service_has_all_that_it_needs() -> None:
    assert {key for key in FOUND if key[1] in SERVICES} == {
        *((kind, name) for kind in ("Deployment", "Service", "PodDisruptionBudget") for name in SERVICES),
        ("HorizontalPodAutoscaler", "booking"),
        ("ScaledObject", "waitlist"),
        ("ScaledObject", "webhook-dispatcher"),
    }
    assert {name for kind, name in FOUND if kind == "Job"} == {f"{name}-migrate" for name in SERVICES}
    for name, package in SERVICES.items():
        (job,) = pod(FOUND["Job", f"{name}-migrate"])["containers"]
        assert (
            job["command"]
            == compose()["services"][f"{name}-migrate"]["command"]
            == ["python", "-m", package, "migrate"]
        )
        (container,) = pod(FOUND["Deployment", name])["containers"]
        assert container["image"] == job["image"] == f"slotwire/{name}"


@pytest.mark.parametrize("name", [*SERVICES, "gateway"])
def test_what_selects_pods_finds_them(name: str) -> None:
    labels = FOUND["Deployment", name]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        FOUND["Deployment", name]["spec"]["selector"]["matchLabels"],
        FOUND["PodDisruptionBudget", name]["spec"]["selector"]["matchLabels"],
        FOUND["Service", name]["spec"]["selector"],
    ]
    assert all(selector.items() <= labels.items() for selector in selectors)
    assert all(selector == selectors[0] for selector in selectors)
    (container,) = pod(FOUND["Deployment", name])["containers"]
    (port,) = FOUND["Service", name]["spec"]["ports"]
    assert port["targetPort"] in {one["name"] for one in container["ports"]}
    jobs = [one["spec"]["template"]["metadata"]["labels"] for key, one in FOUND.items() if key[0] == "Job"]
    assert not any(selectors[0].items() <= job.items() for job in jobs), "a migration is sent requests"


@pytest.mark.parametrize("key", PODS, ids="/".join)
def test_no_pod_may_more_than_it_must(key: tuple[str, str]) -> None:
    told = pod(PODS[key])
    assert told["automountServiceAccountToken"] is False
    assert (told["securityContext"]["runAsNonRoot"], told["securityContext"]["runAsUser"]) == (True, 10001)
    assert told["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in told["containers"]:
        context = container["securityContext"]
        assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, True)
        assert context["capabilities"]["drop"] == ["ALL"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_asked_and_ended_as_in_compose(name: str) -> None:
    told = pod(FOUND["Deployment", name])
    (container,) = told["containers"]
    paths = {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "readiness", "liveness")}
    assert paths == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"}
    grace = int(compose()["services"][name]["stop_grace_period"].removesuffix("s"))
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert told["terminationGracePeriodSeconds"] == grace + pause
    assert FOUND["Deployment", name]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@pytest.mark.parametrize("key", [key for key in PODS if key[1] != "gateway"], ids="/".join)
def test_secrets_come_from_a_secret_that_is_not_here(key: tuple[str, str]) -> None:
    told = pod(PODS[key])
    (container,) = told["containers"]
    folder = FOUND["ConfigMap", "slotwire"]["data"]["SLOTWIRE_SECRETS_DIR"]
    assert {"name": "secrets", "mountPath": folder, "readOnly": True} in container["volumeMounts"]
    assert {"name": "secrets", "secret": {"secretName": "slotwire", "defaultMode": 0o440}} in told["volumes"]
    assert "env" not in container
    assert not [kind for kind, _ in FOUND if kind == "Secret"]


@pytest.mark.parametrize("key", SCALED, ids="/".join)
def test_lag_is_looked_for_where_records_are_read(key: tuple[str, str]) -> None:
    told = ScaledObject.model_validate(SCALED[key]).spec
    partitions = {topic.name: topic.partitions for topic in TOPICS}
    read = {one.metadata.topic for one in told.triggers}
    group, topics = {
        "webhook-dispatcher": (DISPATCHER, {topic.name for topic in public_topics()}),
        "waitlist": (WAITLIST, {BOOKING_EVENTS.name}),
    }[key[1]]
    assert ({one.metadata.consumerGroup for one in told.triggers}, read) == ({group}, topics)
    assert told.maxReplicaCount == max(partitions[topic] for topic in read)
    assert told.scaleTargetRef.name == key[1]
    kafka = FOUND["ConfigMap", "slotwire"]["data"]["SLOTWIRE_KAFKA_BOOTSTRAP"]
    assert {one.metadata.bootstrapServers for one in told.triggers} == {kafka}
    assert "replicas" not in FOUND["Deployment", key[1]]["spec"], "two would decide how many there are"


def test_the_gateway_is_that_of_compose_and_finds_every_service() -> None:
    told = pod(FOUND["Deployment", "gateway"])
    (container,) = told["containers"]
    mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
    inside = {volume.split(":")[1] for volume in compose()["services"]["gateway"]["volumes"] if ":ro" in volume}
    assert inside == {"/etc/caddy/Caddyfile", "/srv/openapi.json"}
    assert mounts.keys() >= {"/etc/caddy/Caddyfile", "/etc/caddy/rules", "/srv"}
    caddyfile = (ROOT / "deploy/gateway/Caddyfile").read_text()
    assert "import /etc/caddy/rules/*\n" in caddyfile
    named = set(re.findall(r"import service(?:_below)? ([a-z-]+)\n", caddyfile))
    assert named == SERVICES.keys()
    for name in named:
        spec = FOUND["Service", name]["spec"]
        assert (spec["clusterIP"], spec["ports"][0]["port"]) == ("None", 8080)


def test_health_and_metrics_are_not_public() -> None:
    rules = (KUBERNETES / "services" / "private.caddy").read_text()
    (paths,) = re.findall(r"^@private path (.*)$", rules, re.MULTILINE)
    own = ("/healthz", "/readyz", "/metrics")
    source = importlib.import_module("chassis.web.observability").__file__
    assert source is not None
    with open(source) as file:  # noqa: PTH123 - a module's file is told as text
        assert set(re.findall(r'add_get\("([^"]+)"', file.read())) == set(own)
    assert set(paths.split()) == {*own, *(f"/services/*{path}" for path in own)}
    assert "rewrite @private /services/\n" in rules


@pytest.mark.parametrize("folder", ["common", "migrations", "services"])
def test_what_lies_in_a_folder_is_applied(folder: str) -> None:
    told = yaml.safe_load((KUBERNETES / folder / "kustomization.yaml").read_text())
    files = {file.name for file in (KUBERNETES / folder).glob("*.yaml")} - {"kustomization.yaml"}
    assert {one for one in told["resources"] if not one.startswith("..")} == files
    images = {one["name"] for one in told.get("images", [])}
    assert images == (set() if folder == "common" else {f"slotwire/{name}" for name in SERVICES})


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kustomize is a part of kubectl")
@pytest.mark.parametrize("folder", ["migrations", "services"])
def test_kustomize_puts_it_together(folder: str) -> None:
    command = ["kubectl", "kustomize", str(KUBERNETES / folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    objects: list[Manifest] = list(yaml.safe_load_all(made))
    for one in objects:
        if one["kind"] != "ScaledObject":
            kubernetes_validate.validate(one, VERSIONS[-1], strict=True)
    assert {one["metadata"].get("namespace") for one in objects if one["kind"] != "Namespace"} == {"slotwire"}
    if folder == "services":
        maps = {one["metadata"]["name"]: one["data"] for one in objects if one["kind"] == "ConfigMap"}
        (gateway,) = [one for one in objects if one["metadata"]["name"] == "gateway" and one["kind"] == "Deployment"]
        mounted = {volume["configMap"]["name"] for volume in pod(gateway)["volumes"] if "configMap" in volume}
        assert mounted <= maps.keys()
        assert {name for config in mounted for name in maps[config]} == {"Caddyfile", "openapi.json", "private.caddy"}
