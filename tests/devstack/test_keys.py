"""`slotwire keys`: what the command makes, the services accept; what it revokes, they refuse."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner, Result

from chassis import identity
from chassis.identity import Identity, KeyKind
from devstack.keys import app
from support.servers import Servers


@pytest.fixture
async def known(servers: Servers) -> AsyncIterator[Identity]:
    """What services see: the identity database without its cache's memory."""
    await identity.migrate(servers.postgres_url)
    identities, database = Identity.on(servers.postgres_url)
    async with database.opened():
        yield identities


async def keys(servers: Servers, *words: str, postgres_url: str | None = None) -> Result:
    """Run the command in a thread: it has an event loop of its own."""
    env = {"SLOTWIRE_POSTGRES_URL": postgres_url or servers.postgres_url}
    return await asyncio.to_thread(CliRunner().invoke, app, list(words), env=env)


async def test_a_made_key_is_shown_once_and_works(servers: Servers, known: Identity) -> None:
    org = await known.create_organization("Keys")
    scopes = ("--scope", "bookings.read", "--scope", "schedules.read")
    made = await keys(servers, "create", "--org", org, "--name", "till", "--kind", "staff", *scopes)
    assert made.exit_code == 0, made.stderr

    caller = await known.find(made.stdout.strip())
    assert caller is not None
    assert (caller.org_id, caller.kind) == (org, KeyKind.STAFF)
    assert caller.scopes == {"bookings.read", "schedules.read"}

    listed = (await keys(servers, "list", "--org", org)).stdout
    assert "till" in listed
    assert caller.key_id in listed
    assert made.stdout.strip() not in listed


async def test_a_revoked_key_is_refused(servers: Servers, known: Identity) -> None:
    org = await known.create_organization("Keys")
    made = await keys(servers, "create", "--org", org, "--name", "lost", "--scope", "*", "--kind", "admin")
    [record] = await known.list_keys(org)

    assert (await keys(servers, "revoke", record.id)).exit_code == 0
    assert await known.find(made.stdout.strip()) is None
    assert "revoked" in (await keys(servers, "list", "--org", org)).stdout
    assert (await keys(servers, "revoke", record.id)).exit_code == 1


async def test_a_client_key_names_its_client_and_expires(servers: Servers, known: Identity) -> None:
    org = await known.create_organization("Keys")
    words = ("create", "--org", org, "--name", "guest", "--kind", "client", "--scope", "bookings.read")
    assert (await keys(servers, *words, "--client", "cl_1", "--expires-in-days", "7")).exit_code == 0
    [record] = await known.list_keys(org)
    assert record.client_id == "cl_1"
    assert record.expires_at is not None
    assert (record.expires_at - record.created_at).days in {6, 7}


async def test_nothing_that_is_listed_is_cut_off_or_read_as_markup(servers: Servers, known: Identity) -> None:
    org = await known.create_organization("Keys")
    name, client = f"[/x] {'n' * 150}", f"[red]{'c' * 150}"
    words = ("create", "--org", org, "--name", name, "--kind", "client", "--client", client)
    assert (await keys(servers, *words, "--scope", "bookings.read")).exit_code == 0
    [record] = await known.list_keys(org)

    listed = (await keys(servers, "list", "--org", org)).stdout
    row = listed.splitlines()[1]
    assert all(word in row for word in (record.id, name, client, "bookings.read"))
    assert "no key [/x] that" in (await keys(servers, "revoke", "[/x]")).stderr


async def test_a_state_is_told_with_its_instant(servers: Servers, known: Identity) -> None:
    org = await known.create_organization("Keys")
    now = datetime.now(UTC)
    instants = {"ever": None, "later": now + timedelta(days=1), "over": now - timedelta(days=1), "lost": None}
    for name, expires in instants.items():
        await known.create_key(org, KeyKind.ADMIN, ["*"], name=name, expires_at=expires)
    await known.revoke_key((await known.list_keys(org))[-1].id)

    rows = (await keys(servers, "list", "--org", org)).stdout.splitlines()[1:]
    for row, told in zip(
        rows,
        (
            "valid",
            f"valid until {instants['later']:%Y-%m-%d %H:%M}",
            f"expired {instants['over']:%Y-%m-%d %H:%M}",
            f"revoked {now:%Y-%m-%d}",
        ),
        strict=True,
    ):
        assert told in row
    assert rows[0].rstrip().endswith("valid")


async def test_a_wrong_password_is_explained(servers: Servers) -> None:
    parts = urlsplit(servers.postgres_url)
    wrong = parts._replace(netloc=f"{parts.username}:guess@{parts.hostname}:{parts.port}").geturl()
    refused = await keys(servers, "list", "--org", "org_1", postgres_url=wrong)
    assert refused.exit_code == 1
    assert "password authentication failed" in refused.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--kind", "staff", "--scope", "everything"), "unknown scope: everything"),
        (("--kind", "staff"), "at least one scope"),
        (("--kind", "client", "--scope", "bookings.read"), "names its client"),
    ],
)
async def test_a_wrong_key_is_explained(servers: Servers, known: Identity, words: tuple[str, ...], told: str) -> None:
    org = await known.create_organization("Keys")
    refused = await keys(servers, "create", "--org", org, "--name", "x", *words)
    assert refused.exit_code == 1
    assert told in refused.stderr
    assert await known.list_keys(org) == []


def test_what_is_not_set_is_named() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SLOTWIRE_")}
    command = [sys.executable, "-m", "devstack", "keys", "list", "--data", "/nowhere"]
    refused = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "SLOTWIRE_POSTGRES_URL is not set" in refused.stderr
