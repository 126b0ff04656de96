"""Every setting of every service is told, once for each that has it, with what is asked of its value."""

import re

import pytest

from chassis.settings import ServiceSettings
from pages.settings import SERVICES, names, tables


def rows() -> list[list[str]]:
    """The cells of all tables."""
    lines = [line for line in tables().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_setting_is_told_once() -> None:
    told = [row[0].strip("`") for row in rows()]
    own = [set(settings.model_fields) - set(ServiceSettings.model_fields) for settings in SERVICES.values()]
    assert len(told) == len(ServiceSettings.model_fields) + sum(map(len, own))
    assert set(told) == names()


@pytest.mark.parametrize(
    ("field", "default", "bounds"),
    [
        ("postgres_url", "must be given", ""),
        ("service_key", "none", ""),
        ("old_secret_keys", "none", ""),
        ("log_format", "`json`", "`console` or `json`"),
        ("drain_seconds", "`10`", "at least 0, at most 600"),
        ("public_url", "`http://127.0.0.1:8080`", ""),
        ("waitlist_lease", "`15`", "over 0"),
        ("webhook_allow_http", "`false`", ""),
        ("webhook_allow_networks", "`[]`", ""),
        ("calcom_pace", "`0.5`", "at least 0, at most 60"),
    ],
)
def test_its_default_and_bounds_are_told(field: str, default: str, bounds: str) -> None:
    (row,) = [row for row in rows() if row[0] == f"`SLOTWIRE_{field.upper()}`"]
    assert (row[1], row[2]) == (default, bounds)


def test_every_setting_has_a_meaning() -> None:
    assert [row for row in rows() if not re.fullmatch(r"[A-Z].{10,}\.", row[3])] == []
