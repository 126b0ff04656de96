"""What is secret is in no `repr`, and so in nothing that shows a value, a log or a traceback among them."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from calcom_sync.api.integration_models import IntegrationBody, SetIntegration, ShownIntegration
from calcom_sync.domain.integration import Integration, Terms
from calcom_sync.service.integrations import Saved
from support.calcom_service import API_KEY

SECRET = "secret-of-the-webhooks"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_no_secret_is_in_a_repr() -> None:
    body = IntegrationBody(api_key=API_KEY)
    one = Integration("org_a", Terms(), API_KEY, API_KEY[-4:], SECRET, NOW, NOW)
    done = Saved(one, SECRET)
    for value in (body, body.wanted, one, done, ShownIntegration.of(one), SetIntegration.of_set(done)):
        told = repr(value)
        assert type(value).__name__ in told
        assert API_KEY not in told
        assert SECRET not in told


def test_a_flaw_elsewhere_does_not_tell_the_key() -> None:
    with pytest.raises(ValidationError) as caught:
        IntegrationBody.model_validate({"api_key": API_KEY, "enabled": 1})
    assert API_KEY not in str(caught.value)
