"""What the service needs to be told."""

from typing import Any

import pytest
from pydantic import ValidationError

from support.booking_service import a_key
from waitlist.settings import Settings


def settings(**more: Any) -> Settings:
    """Settings that are complete, but for what is replaced."""
    given = {
        "postgres_url": "postgresql://localhost/postgres",
        "kafka_bootstrap": "localhost:9092",
        "secret_key": a_key(),
        "service_key": a_key(),
        "booking_url": "http://booking:8080",
    }
    return Settings.model_validate({**given, **more})


def test_it_asks_booking_with_the_services_key() -> None:
    key = a_key()
    assert settings(service_key=key).booking_key == key.get_secret_value()
    with pytest.raises(ValidationError, match="service_key must be set"):
        settings(service_key=None)


@pytest.mark.parametrize("url", ["booking:8080", "ftp://booking", ""])
def test_it_needs_to_know_where_booking_answers(url: str) -> None:
    with pytest.raises(ValidationError, match="booking_url"):
        settings(booking_url=url)
