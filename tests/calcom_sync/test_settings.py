"""Settings: what is out of bounds is refused before anything starts."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from calcom_sync.settings import Settings


def settings(**given: Any) -> Settings:
    return Settings(
        postgres_url="postgresql://127.0.0.1/",
        kafka_bootstrap="127.0.0.1:1",
        secret_key=SecretStr("A" * 43 + "="),
        **given,
    )


@pytest.mark.parametrize(
    "given",
    [
        {"calcom_timeout": 0},
        {"calcom_pace": -1},
        {"calcom_syncs": -1},
        {"calcom_lease": 0},
        {"calcom_patience": 0},
        {"calcom_look": 0},
        {"calcom_answers_within": 0},
        {"calcom_runs_kept_days": 0},
        {"calcom_allow_networks": ["10.0.0.1/8"]},
    ],
)
def test_what_is_out_of_bounds_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**given)


def test_nothing_inside_is_open_unless_it_is_said() -> None:
    assert (settings().calcom_allow_networks, settings().calcom_allow_http) == ((), False)


def test_two_requests_of_a_key_lie_half_a_second_apart() -> None:
    """Reference, section 1: «Pace 500 ms»"""
    assert settings().calcom_pace == 0.5
