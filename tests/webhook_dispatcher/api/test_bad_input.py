"""Bad input: each a clear error that names the field and the rule, and nothing has changed."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.booking_service import Answer, Caller
from support.servers import Servers
from support.webhook_service import SUBSCRIPTIONS, WebhookService, running_webhook_service

URL = "http://127.0.0.1:9/hook"


@pytest.fixture
async def path(owner: Caller) -> str:
    """The path of a subscription."""
    made = await owner.post(SUBSCRIPTIONS, {"url": URL, "events": ["*"], "headers": {"X-Team": "a"}})
    return f"{SUBSCRIPTIONS}/{made.data['id']}"


@pytest.fixture
async def unchanged(owner: Caller, path: str, service: WebhookService) -> AsyncIterator[None]:
    """Compare the organization's subscriptions around the test."""

    async def all_rows() -> list[Any]:
        async with service.database.connection() as conn:
            return list(await conn.fetch("SELECT * FROM subscriptions WHERE org_id = $1 ORDER BY id", owner.org_id))

    assert path
    before = await all_rows()
    yield
    assert await all_rows() == before


def check(answer: Answer, param: str, rule: str | None) -> None:
    error = answer.body["error"]
    assert (answer.status, error["code"], error["param"]) == (422, "validation_failed", param), error
    assert error["message"].startswith(f"{param}: ")
    assert not error["message"].endswith(".")
    if rule is not None:
        assert (param, rule) in [(one["param"], one["rule"]) for one in error["details"]["errors"]], error


def secret(size: int) -> str:
    return "whsec_" + base64.b64encode(bytes(size)).decode()


URLS = [
    ("", "string_too_short"),
    ("x" * 2049, "string_too_long"),
    ("hook", "scheme"),
    ("ftp://example.com/", "scheme"),
    ("file:///etc/passwd", "scheme"),
    ("javascript:alert(1)", "scheme"),
    ("https://", "host"),
    ("https:///hook", "host"),
    ("https://user@example.com/", "credentials"),
    ("https://user:pw@example.com/", "credentials"),
    ("https://example.com@127.0.0.1/", "credentials"),
    ("https://example.com/#top", "fragment"),
    ("https://example.com\\@10.0.0.1/", "characters"),
    ("https://exa mple.com/", "characters"),
    ("https://example.com/\r\nHost: evil", "characters"),
    ("https://exämple.com/", "characters"),
    ("https://example.com:99999/", "url_parsing"),
    ("https://example.com:x/", "url_parsing"),
    ("https://[::1/", "url_parsing"),
    ("https://-.example/", "host"),
    ("https://a..b/", "host"),
    ("https://10.0.0.1/hook", "blocked_address"),
    ("https://192.168.1.1/", "blocked_address"),
    ("https://169.254.169.254/latest/meta-data/", "blocked_address"),
    ("https://[::ffff:10.0.0.1]/", "blocked_address"),
    ("https://[fe80::1]/", "blocked_address"),
    ("https://[fe80::1%25eth0]/", "host"),
    ("https://[64:ff9b::a00:1]/", "blocked_address"),
    ("https://0/", "host"),
    ("https://2130706433/", "host"),
    ("https://0x7f000001/", "host"),
    ("https://0177.0.0.1/", "host"),
    ("https://127.1/", "host"),
    ("https://127.0.0.1./", "host"),
    ("https://1.2.3.0x4/", "host"),
    ("https://0.0.0.0/", "blocked_address"),
]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("url", "rule"), URLS)
async def test_a_url_that_is_none_or_leads_inside_is_refused(owner: Caller, path: str, url: str, rule: str) -> None:
    """«no credentials in the URL; vetted at creation …; a refused one is 422 `validation_failed`, param `url`»

    Standard Webhooks: «The main way to protect against SSRF is to prevent the webhooks from calling into internal
    networks and services.»
    """
    check(await owner.post(SUBSCRIPTIONS, {"url": url, "events": ["*"]}), "url", rule)
    check(await owner.patch(path, {"url": url}), "url", rule)


OAUTH = {"type": "oauth2_client_credentials", "token_url": URL, "client_id": "a", "client_secret": "b"}
FIELDS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"url": None}, "url", "string_type"),
    ({"url": 5}, "url", "string_type"),
    ({"events": []}, "events", "too_short"),
    ({"events": None}, "events", "list_type"),
    ({"events": "*"}, "events", "list_type"),
    ({"events": ["reservation.exploded"]}, "events", "unknown"),
    ({"events": ["reservation.assigned"]}, "events", "unknown"),
    ({"events": ["hold.released"]}, "events", "unknown"),
    ({"events": ["location.*"]}, "events", "unknown"),
    ({"events": ["reservation"]}, "events", "unknown"),
    ({"events": ["reserv*"]}, "events", "unknown"),
    ({"events": [".*"]}, "events", "unknown"),
    ({"events": ["*", "nothing.*"]}, "events", "unknown"),
    ({"description": "x" * 501}, "description", "string_too_long"),
    ({"headers": []}, "headers", "dict_type"),
    ({"headers": {"X-A": 5}}, "headers.X-A", "string_type"),
    ({"headers": {"Webhook-Id": "x"}}, "headers", "reserved"),
    ({"headers": {"webhook-signature": "x"}}, "headers", "reserved"),
    ({"headers": {"HOST": "x"}}, "headers", "reserved"),
    ({"headers": {"content-length": "1"}}, "headers", "reserved"),
    ({"headers": {"Content-Type": "text/plain"}}, "headers", "reserved"),
    ({"headers": {"User-Agent": "x"}}, "headers", "reserved"),
    ({"headers": {"Connection": "close"}}, "headers", "reserved"),
    ({"headers": {"Transfer-Encoding": "chunked"}}, "headers", "reserved"),
    ({"headers": {"X-A": "a\r\nwebhook-id: dlv_forged"}}, "headers", "header_value"),
    ({"headers": {"X-A": "a\nb"}}, "headers", "header_value"),
    ({"headers": {"X-A": "a\rb"}}, "headers", "header_value"),
    ({"headers": {"X-A": "a\tb"}}, "headers", "header_value"),
    ({"headers": {"X-A": "a\u2028b"}}, "headers", "header_value"),
    ({"headers": {"X-A": "é"}}, "headers", "header_value"),
    ({"headers": {"X-A": "a\0b"}}, "headers.X-A", None),
    ({"headers": {"X-A\r\nHost": "b"}}, "headers", "header_name"),
    ({"headers": {"X A": "b"}}, "headers", "header_name"),
    ({"headers": {"": "b"}}, "headers", "header_name"),
    ({"headers": {"X-A": "1", "x-a": "2"}}, "headers", "duplicate"),
    ({"headers": {f"X-{n}": "1" for n in range(21)}}, "headers", "too_long"),
    ({"headers": {"X-A": "x" * 2049}}, "headers", "too_long"),
    ({"ordering": "topic"}, "ordering", "literal_error"),
    ({"ordering": None}, "ordering", "literal_error"),
    ({"ordering": True}, "ordering", "literal_error"),
    ({"retry": "soon"}, "retry", "retry_type"),
    ({"retry": 5}, "retry", "retry_type"),
    ({"retry": [0]}, "retry.0", "bounds"),
    ({"retry": [1, -1]}, "retry.1", "bounds"),
    ({"retry": [1e9]}, "retry.0", "bounds"),
    ({"retry": ["1"]}, "retry.0", "number_type"),
    ({"retry": [True]}, "retry.0", "number_type"),
    ({"retry": [1] * 101}, "retry", "too_long"),
    ({"retry": {"base": 1, "factor": 2, "cap": 5}}, "retry.number", "missing"),
    ({"retry": {"base": 1, "factor": 0.5, "cap": 5, "number": 3}}, "retry.factor", "bounds"),
    ({"retry": {"base": 9, "factor": 2, "cap": 5, "number": 3}}, "retry.cap", "bounds"),
    ({"retry": {"base": 1, "factor": 2, "cap": 5, "number": 1.5}}, "retry.number", "int_type"),
    ({"retry": {"base": 1, "factor": 2, "cap": 5, "number": 3, "x": 1}}, "retry", "extra_forbidden"),
    ({"rate_limit": 5}, "rate_limit", "rate_limit_type"),
    ({"rate_limit": [5]}, "rate_limit", "rate_limit_type"),
    ({"rate_limit": {}}, "rate_limit.per_second", "missing"),
    ({"rate_limit": {"per_second": "5"}}, "rate_limit.per_second", "number_type"),
    ({"rate_limit": {"per_second": True}}, "rate_limit.per_second", "number_type"),
    ({"rate_limit": {"per_second": None}}, "rate_limit.per_second", "number_type"),
    ({"rate_limit": {"per_second": 0}}, "rate_limit.per_second", "bounds"),
    ({"rate_limit": {"per_second": 10_001}}, "rate_limit.per_second", "bounds"),
    ({"rate_limit": {"per_second": 5, "burst": 3}}, "rate_limit", "extra_forbidden"),
    ({"auth": "mtls"}, "auth", "model_attributes_type"),
    ({"auth": {}}, "auth", "union_tag_not_found"),
    ({"auth": {"type": "basic"}}, "auth", "union_tag_invalid"),
    ({"auth": {"type": "mtls", "certificate": "x"}}, "auth.private_key", "missing"),
    ({"auth": {"type": "mtls", "certificate": "x", "private_key": 5}}, "auth.private_key", "string_type"),
    ({"auth": {"type": "mtls", "certificate": "x", "private_key": "x"}}, "auth.certificate", "certificate_format"),
    (
        {"auth": {"type": "mtls", "certificate": "x" * 32_769, "private_key": "x"}},
        "auth.certificate",
        "string_too_long",
    ),
    ({"auth": OAUTH | {"token_url": "http://10.0.0.1/"}}, "auth.token_url", "blocked_address"),
    ({"auth": OAUTH | {"token_url": "ftp://example.com/"}}, "auth.token_url", "scheme"),
    ({"auth": OAUTH | {"token_url": "https://me:pw@example.com/"}}, "auth.token_url", "credentials"),
    ({"auth": OAUTH | {"client_id": ""}}, "auth.client_id", "string_too_short"),
    ({"auth": OAUTH | {"scope": 5}}, "auth.scope", "string_type"),
    ({"auth": OAUTH | {"certificate": "x"}}, "auth.certificate", "extra_forbidden"),
    ({"auth": OAUTH, "headers": {"authorization": "Bearer x"}}, "auth", "conflict"),
    ({"org_id": "org_else"}, "org_id", "extra_forbidden"),
]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("fields", "param", "rule"), FIELDS)
async def test_a_bad_field_changes_nothing(
    owner: Caller, path: str, fields: dict[str, Any], param: str, rule: str | None
) -> None:
    """Among them headers that would stand for our own.

    Standard Webhooks: «It's important that both the message id and the timestamp not be user controlled, or at the very
    least not be allowed to include any `.` to prevent certain attacks.»
    """
    check(await owner.post(SUBSCRIPTIONS, {"url": URL, "events": ["*"], **fields}), param, rule)
    check(await owner.patch(path, fields), param, rule)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (secret(23), "secret_length"),
        (secret(65), "secret_length"),
        ("whsec_", "secret_length"),
        ("whsec_!!!!", "secret_format"),
        ("whsec_é", "secret_format"),
        (secret(32).removeprefix("whsec_"), "secret_format"),
        (5, "string_type"),
    ],
)
async def test_a_bad_secret_makes_no_subscription(owner: Caller, value: object, rule: str) -> None:
    """Webhook rules: «Secrets are `whsec_` + base64, 24-64 random bytes»

    Standard Webhooks: «Random. At least 24 bytes (192 bits, 512 maximum)»
    """
    check(await owner.post(SUBSCRIPTIONS, {"url": URL, "events": ["*"], "secret": value}), "secret", rule)


@pytest.mark.usefixtures("unchanged")
async def test_every_field_that_breaks_a_rule_is_told_at_once(owner: Caller, path: str) -> None:
    """«422 `validation_failed` with every bad field»; the message is the first one's"""
    body = {
        "url": "https://10.0.0.1/",
        "events": ["reservation.*", "lost", "*", "found"],
        "headers": {"Host": "a", "X A": "b", "X-Good": "c"},
        "retry": [1, 0, "x"],
    }
    told = {
        "url": ["must lead to a public address; 10.0.0.1 is refused: private"],
        "events": [
            f"must not be '{name}', which is no type of event; GET /api/v1/webhooks/event-types lists them"
            for name in ("lost", "found")
        ],
        "headers": ["must not hold Host, which is reserved", "must not hold 'X A', which is no name of a header"],
        "retry.1": ["must be from 0.01 to 604800"],
        "retry.2": ["must be a number"],
    }
    secrecy = {"secret": ["must be whsec_ followed by base64"]}
    for refused, expected in (
        (await owner.post(SUBSCRIPTIONS, {**body, "secret": "hunter2"}), {**told, **secrecy}),
        (await owner.patch(path, body), told),
    ):
        error = refused.body["error"]
        assert (refused.status, error["code"], error["param"]) == (422, "validation_failed", "url")
        assert error["message"] == f"url: {told['url'][0]}"
        found: dict[str, list[str]] = {}
        for one in error["details"]["errors"]:
            found.setdefault(one["param"], []).append(one["message"])
        assert found == expected
        assert all(one["rule"] for one in error["details"]["errors"])


@pytest.mark.usefixtures("unchanged")
async def test_every_flaw_of_a_formula_is_told(owner: Caller, path: str) -> None:
    error = (await owner.patch(path, {"retry": {"base": 0, "factor": "x", "cap": 5, "jitter": 1}})).body["error"]
    assert [(one["param"], one["rule"]) for one in error["details"]["errors"]] == [
        ("retry", "extra_forbidden"),
        ("retry.base", "bounds"),
        ("retry.factor", "number_type"),
        ("retry.number", "missing"),
    ]


@pytest.mark.usefixtures("unchanged")
async def test_a_bad_secret_is_not_rotated_to(owner: Caller, path: str) -> None:
    rotate = f"{path}/rotate-secret"
    check(await owner.post(rotate, {"secret": secret(23)}), "secret", "secret_length")
    check(await owner.post(rotate, {"secret": "hunter2"}), "secret", "secret_format")
    check(await owner.post(rotate, {"secret": 5}), "secret", "string_type")
    check(await owner.post(rotate, {"old": "x"}), "old", "extra_forbidden")


@pytest.mark.usefixtures("unchanged")
async def test_a_secret_cannot_be_patched(owner: Caller, path: str) -> None:
    check(await owner.patch(path, {"secret": secret(32)}), "secret", "extra_forbidden")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("status=lost", "status"),
        ("event=reservation.assigned", "event"),
        ("since=yesterday", "since"),
        ("since=2026-01-01T00:00:00", "since"),
        ("since=2026-01-01", "since"),
        ("since=1700000000", "since"),
        ("since=2026-13-01T00:00:00Z", "since"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("state=pending", "state"),
    ],
)
async def test_a_bad_query_lists_nothing(owner: Caller, path: str, query: str, param: str) -> None:
    check(await owner.get(f"{path}/deliveries?{query}"), param, None)


@pytest.mark.parametrize(
    "since", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00.5%2B01:00"]
)
async def test_any_instant_may_be_asked_for(owner: Caller, path: str, since: str) -> None:
    assert (await owner.get(f"{path}/deliveries?since={since}")).data == []


async def test_an_unknown_cursor_is_told(owner: Caller, path: str) -> None:
    for listed in (SUBSCRIPTIONS, f"{path}/deliveries"):
        refused = await owner.get(f"{listed}?starting_after=nothing")
        assert (refused.status, refused.code) == (400, "invalid_cursor")
        assert refused.body["error"]["param"] == "starting_after"
        assert refused.body["error"]["message"].startswith("the cursor names no ")


@pytest.mark.parametrize("tail", ["sub_none", "sub_%00", "%00"])
async def test_unknown_ids_are_not_found(owner: Caller, tail: str) -> None:
    for method, path in (
        ("GET", f"{SUBSCRIPTIONS}/{tail}"),
        ("PATCH", f"{SUBSCRIPTIONS}/{tail}"),
        ("DELETE", f"{SUBSCRIPTIONS}/{tail}"),
        ("POST", f"{SUBSCRIPTIONS}/{tail}/enable"),
        ("POST", f"{SUBSCRIPTIONS}/{tail}/disable"),
        ("POST", f"{SUBSCRIPTIONS}/{tail}/rotate-secret"),
        ("GET", f"{SUBSCRIPTIONS}/{tail}/deliveries"),
        ("GET", f"{SUBSCRIPTIONS}/{tail}/health"),
        ("GET", f"/api/v1/webhooks/deliveries/{tail}"),
        ("GET", f"/api/v1/webhooks/replays/{tail}"),
        ("POST", f"/api/v1/webhooks/replays/{tail}/cancel"),
    ):
        refused = await owner.send(method, path, {} if method == "PATCH" else None)
        assert (refused.status, refused.code) == (404, "not_found"), (method, path)
        assert refused.body["error"]["message"].startswith("there is no")


async def test_without_the_setting_only_https_is_taken(servers: Servers) -> None:
    """«https only unless allowed by settings»

    Standard Webhooks: «it may be advisable to ensure that all webhook endpoints are HTTPS»
    """
    async with running_webhook_service(servers, allow_http=False) as strict:
        owner = await strict.caller()
        check(await owner.post(SUBSCRIPTIONS, {"url": "http://example.com/", "events": ["*"]}), "url", "scheme")
        assert (await owner.post(SUBSCRIPTIONS, {"url": "https://127.0.0.1/", "events": ["*"]})).status == 201


@pytest.mark.parametrize(
    ("query", "param", "rule"),
    [
        ("from=yesterday", "from", None),
        ("to=2026-01-01", "to", None),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to", "order"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-02T01:00:00%2B01:00", "to", "order"),
        ("since=2026-01-02T00:00:00Z", "since", "extra_forbidden"),
    ],
)
async def test_bad_ranges_of_the_ledger(owner: Caller, query: str, param: str, rule: str | None) -> None:
    check(await owner.get(f"/api/v1/webhooks/ledger?{query}"), param, rule)


@pytest.mark.parametrize("bound", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_any_range_of_the_ledger_may_be_asked_for(owner: Caller, bound: str) -> None:
    for name in ("from", "to"):
        told = (await owner.get(f"/api/v1/webhooks/ledger?{name}={bound}")).data
        assert told == {
            "accepted": 0,
            "delivered": 0,
            "exhausted": 0,
            "discarded": {"disabled": 0, "deleted": 0},
            "in_flight": 0,
            "unaccounted": 0,
        }
