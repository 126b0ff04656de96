"""What is secret is in no `repr`, and so in nothing that shows a value."""

import base64
from dataclasses import replace

from support.dispatcher import a_subscription
from webhook_dispatcher.api.auth import NewCertificate
from webhook_dispatcher.api.subscriptions import (
    ChangedSubscription,
    CreatedSubscription,
    NewSecret,
    NewSubscription,
    ShownSubscription,
)

KEY = b"a key of a subscriber's own"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
HEADERS = {"X-Token": "token-of-a-header"}
CREDENTIALS = {
    "type": "oauth2_client_credentials",
    "token_url": "https://example.com/token",
    "client_id": "slotwire",
    "client_secret": "secret-of-a-client",
}
NEW = {"url": "https://example.com/", "events": ["*"], "secret": SECRET, "headers": HEADERS, "auth": CREDENTIALS}


def test_no_secret_is_in_a_repr() -> None:
    new = NewSubscription.model_validate(NEW)
    one = replace(a_subscription(), secret=KEY, headers=HEADERS)
    values: list[object] = [
        new,
        new.wanted,
        ChangedSubscription.model_validate({"headers": HEADERS, "auth": CREDENTIALS}),
        NewSecret(secret=SECRET),
        NewCertificate(type="mtls", certificate="PEM", private_key="secret-of-a-client"),
        one,
        ShownSubscription.of(one),
    ]
    for value in values:
        told = repr(value)
        assert type(value).__name__ in told
        for secret in (SECRET, KEY.decode(), "token-of-a-header", "secret-of-a-client"):
            assert secret not in told
    assert not CreatedSubscription.model_fields["secret"].repr
