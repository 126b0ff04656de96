"""Which certificates are taken, and what is shown with them: real TLS, with certificates made here."""

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from chassis.outbound import Guard
from devstack.ports import HOST
from support.certificates import Authority
from support.dispatcher import LOOPBACK
from support.endpoints import endpoint
from webhook_dispatcher.client import certificates
from webhook_dispatcher.client.certificates import Contexts, check_certificate
from webhook_dispatcher.client.sender import Sender
from webhook_dispatcher.domain.auth import ClientCertificate, GivenCertificate
from webhook_dispatcher.domain.errors import ValidationFailedError
from webhook_dispatcher.domain.exchange import Answer, Failure, FailureKind

SECONDS = 2.0
DAY = timedelta(days=1)
NO_ENTRY = {FailureKind.TLS, FailureKind.CONNECTION}  # a server of asyncio resets the connection behind its alert


@pytest.fixture
async def sender(authority: Authority) -> AsyncIterator[Sender]:
    assert authority
    one = Sender(Guard(LOOPBACK), seconds=SECONDS, user_agent="Slotwire/test")
    async with one.opened():
        yield one


def a_certificate(authority: Authority, name: str = "client") -> ClientCertificate:
    issued = authority.issue(name)
    return check_certificate(GivenCertificate(issued.certificate, issued.private_key), datetime.now(UTC))


def refused(certificate: str, private_key: str) -> list[tuple[str, str, str]]:
    with pytest.raises(ValidationFailedError) as told:
        check_certificate(GivenCertificate(certificate, private_key), datetime.now(UTC))
    return [(flaw.param, flaw.rule, flaw.message) for flaw in told.value.flaws]


def test_a_certificate_is_read_with_what_may_be_shown_of_it() -> None:
    authority = Authority()
    issued = authority.issue("hooks.slotwire.example", life=timedelta(days=30))
    chained = f"# a comment\n{issued.certificate}{authority.pem}"
    read = check_certificate(GivenCertificate(chained, issued.private_key), datetime.now(UTC))
    assert read.subject == "CN=hooks.slotwire.example"
    assert len(bytes.fromhex(read.fingerprint)) == 32
    assert timedelta(days=29) < read.expires_at - datetime.now(UTC) < timedelta(days=31)
    assert read.certificate == issued.certificate + authority.pem
    assert "PRIVATE" not in repr(read)
    assert issued.private_key[40:80] not in repr(GivenCertificate(chained, issued.private_key))


def test_what_is_no_certificate_with_its_key_is_refused() -> None:
    authority = Authority()
    one, other = authority.issue(), authority.issue()
    certificate, key = ("auth.certificate", "auth.private_key")
    pem = "must be one or more certificates in PEM"
    assert refused("hello", one.private_key) == [(certificate, "certificate_format", pem)]
    assert refused(one.private_key, one.private_key) == [(certificate, "certificate_format", pem)]
    assert refused(one.certificate, "hello") == [(key, "key_format", "must be a private key in PEM")]
    assert refused(one.certificate, one.certificate) == [(key, "key_format", "must be a private key in PEM")]
    assert refused(one.certificate, one.encrypted_key(b"word")) == [(key, "key_encrypted", "must not be encrypted")]
    belongs = "must belong to the first certificate"
    assert refused(one.certificate, other.private_key) == [(key, "key_mismatch", belongs)]
    assert refused(authority.pem + one.certificate, one.private_key) == [(key, "key_mismatch", belongs)]
    assert refused(one.certificate * 11, one.private_key) == [
        (certificate, "too_long", "must be at most 10 certificates")
    ]
    old = authority.issue(life=-DAY)
    assert refused(old.certificate, old.private_key) == [(certificate, "expired", "must not have expired")]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        pytest.param(b"a client", b"a cli\xff\xfet", id="a name that is no text"),
        pytest.param(
            bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d030109"), id="an unknown curve"
        ),
        pytest.param(b"Z0", b"X0", id="a date that is none"),
    ],
)
def test_a_certificate_that_is_damaged_inside_is_refused(good: bytes, bad: bytes) -> None:
    issued = Authority().issue("a client")
    der = x509.load_pem_x509_certificate(issued.certificate.encode()).public_bytes(Encoding.DER)
    assert good in der
    damaged = base64.encodebytes(der.replace(good, bad)).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{damaged}-----END CERTIFICATE-----\n"
    ((param, rule, _),) = refused(pem, issued.private_key)
    assert (param, rule) == ("auth.certificate", "certificate_format")


def test_a_key_that_tls_finds_too_weak_is_refused() -> None:
    weak = Authority().issue(key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - to be refused
    told = "must be one that TLS takes; ee key too small"
    assert refused(weak.certificate, weak.private_key) == [("auth.certificate", "certificate_refused", told)]


@pytest.mark.parametrize("key", [rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()])
async def test_keys_of_every_usual_kind_are_taken(
    authority: Authority, sender: Sender, tmp_path: Path, key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
) -> None:
    issued = authority.issue("client", key=key)
    read = check_certificate(GivenCertificate(issued.certificate, issued.private_key), datetime.now(UTC))
    async with endpoint(tls=authority.server_context(tmp_path, asks=True)) as receiver:
        assert isinstance(await sender.post(receiver.url, {}, b"{}", read), Answer)


async def test_an_endpoint_that_asks_for_a_certificate_is_shown_it(
    authority: Authority, sender: Sender, tmp_path: Path
) -> None:
    """Two certificates for one address: each goes over connections of its own, which are kept."""
    one, other = a_certificate(authority, "one"), a_certificate(authority, "other")
    async with endpoint(tls=authority.server_context(tmp_path, asks=True)) as receiver:
        for shown in (one, other, one, other):
            exchange = await sender.post(receiver.url, {}, b"{}", shown)
            assert isinstance(exchange, Answer), exchange
        assert [request.client for request in receiver.requests] == ["one", "other", "one", "other"]
        assert await failure(sender, receiver.url, None) in NO_ENTRY
        assert await failure(sender, receiver.url, a_certificate(Authority())) in NO_ENTRY
        assert len(receiver.requests) == 4


async def test_a_server_that_tells_why_it_hangs_up_is_a_tls_error(
    authority: Authority, sender: Sender, tmp_path: Path
) -> None:
    context = authority.server_context(tmp_path, asks=True)
    with socket.create_server((HOST, 0)) as listening:
        refusing = asyncio.create_task(asyncio.to_thread(refuse_one, listening, context))
        url = f"https://{HOST}:{listening.getsockname()[1]}/"
        exchange = await sender.post(url, {}, b"{}")
        await refusing
    assert isinstance(exchange, Failure)
    assert (exchange.kind, "CERTIFICATE_REQUIRED" in exchange.detail) == (FailureKind.TLS, True), exchange


def refuse_one(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Take one connection, and let the other side read the alert before it ends."""
    connection, _ = listening.accept()
    with context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as speaking:
        with pytest.raises(ssl.SSLError):
            speaking.do_handshake()
        with socket.socket(fileno=speaking.detach()) as plain:
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(4096):
                pass


async def test_a_certificate_that_has_expired_since_is_a_failure(
    authority: Authority, sender: Sender, tmp_path: Path
) -> None:
    issued = authority.issue(life=-DAY)
    since = datetime.now(UTC) - 2 * DAY
    read = check_certificate(GivenCertificate(issued.certificate, issued.private_key), since)
    async with endpoint(tls=authority.server_context(tmp_path, asks=True)) as receiver:
        assert await failure(sender, receiver.url, read) in NO_ENTRY
        assert receiver.requests == []


@pytest.mark.parametrize("shown", [False, True])
async def test_a_server_is_verified_whatever_is_shown_to_it(
    authority: Authority, sender: Sender, tmp_path: Path, *, shown: bool
) -> None:
    """Of an unknown authority, of another name, or expired.

    Webhook rules: «3xx, every other status, timeout, TLS or connection error, blocked address | failed; retried on the
    schedule»
    """
    auth = a_certificate(authority) if shown else None
    for theirs in (
        Authority().server_context(tmp_path),
        authority.server_context(tmp_path, address="127.0.0.2"),
        authority.server_context(tmp_path, life=-DAY),
    ):
        async with endpoint(tls=theirs) as receiver:
            assert await failure(sender, receiver.url, auth) is FailureKind.TLS
        assert receiver.requests == []
    async with endpoint(tls=authority.server_context(tmp_path)) as receiver:
        assert isinstance(await sender.post(receiver.url, {}, b"{}", auth), Answer)


async def test_contexts_are_made_once_and_few_are_kept(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_KEPT_CONTEXTS", 2)
    contexts = Contexts()
    one, two, three = (a_certificate(authority, name) for name in ("one", "two", "three"))
    first = await asyncio.gather(*(contexts.get(one) for _ in range(8)))
    assert len({id(context) for context in first}) == 1
    second = await contexts.get(two)
    assert await contexts.get(replace(one)) is first[0]
    await contexts.get(three)
    assert await contexts.get(one) is first[0]
    assert await contexts.get(two) is not second


async def failure(sender: Sender, url: str, auth: ClientCertificate | None) -> FailureKind:
    exchange = await sender.post(url, {}, b"{}", auth)
    assert isinstance(exchange, Failure), exchange
    return exchange.kind
