"""Settings: what is out of bounds is refused before anything starts."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from webhook_dispatcher.settings import Settings


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
        {"webhook_subscriptions_per_organization": 0},
        {"webhook_timeout": 0},
        {"webhook_timeout": 301},
        {"webhook_lease_margin": 0.4},
        {"webhook_endpoint_slots": 0},
        {"webhook_slots": 0},
        {"webhook_retry_slots": 0},
        {"webhook_endpoint_queue": 0},
        {"webhook_queue": 0},
        {"webhook_allow_networks": ["10.0.0.1/8"]},
    ],
)
def test_what_is_out_of_bounds_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**given)


def test_unless_it_is_said_an_exchange_may_take_30_seconds_and_an_endpoint_may_fail_for_5_days() -> None:
    """Webhook rules: «any 2xx within 30 s (the whole exchange) | delivered»

    Standard Webhooks: «A recommended request timeout value for webhooks is somewhere between 15 and 30s.»
    Webhook rules: «Failing for 5 days disables the endpoint.»
    """
    assert settings().webhook_timeout == 30
    assert settings().webhook_disable_after == timedelta(days=5).total_seconds()


def test_nothing_inside_is_open_unless_it_is_said() -> None:
    assert (settings().webhook_allow_networks, settings().webhook_allow_http) == ((), False)
