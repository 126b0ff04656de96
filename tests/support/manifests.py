"""What deploys Slotwire, read as data: the manifests of Kubernetes, and Compose's file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
SERVICES = {
    "booking": "booking",
    "waitlist": "waitlist",
    "webhook-dispatcher": "webhook_dispatcher",
    "calcom-sync": "calcom_sync",
}
"""The services' names, and those of their packages."""

Manifest = dict[str, Any]


def manifests() -> dict[tuple[str, str], Manifest]:
    """Every object by its kind and name; what kustomize reads itself is none."""
    found = {}
    for file in sorted(KUBERNETES.rglob("*.yaml")):
        for one in yaml.safe_load_all(file.read_text()):
            if one["kind"] != "Kustomization":
                key = (one["kind"], one["metadata"]["name"])
                assert key not in found, f"{key} is there twice"
                found[key] = one
    return found


def compose() -> Manifest:
    """Compose's file, its anchors resolved."""
    told: Manifest = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return told


def pod(manifest: Mapping[str, Any]) -> Manifest:
    """What a Deployment's or a Job's pods are."""
    told: Manifest = manifest["spec"]["template"]["spec"]
    return told
