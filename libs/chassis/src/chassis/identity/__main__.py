"""`python -m chassis.identity`: organizations and API keys made, listed and revoked, wherever a service's image runs.

Invariant: standard output carries what was asked for and nothing else (an id, a key, a table); a key is shown once.
"""

import argparse
import asyncio
import sys
from datetime import UTC, datetime, timedelta

from chassis import log
from chassis.identity import Identity, IdentityError, KeyKind, KeyRecord, migrate
from chassis.settings import ServerSettings


def main() -> int:
    """Do what the command line says, on the server that the settings name; answers the exit code."""
    options = _parser().parse_args()
    log.configure(service="identity", shape="console", level="warning")
    try:
        told = asyncio.run(_run(options))
    except IdentityError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{told}\n")
    return 0


async def _run(options: argparse.Namespace) -> str:
    server = ServerSettings().postgres_url
    await migrate(server)
    identity, database = Identity.on(server)
    async with database.opened():
        match options.command:
            case "create-organization":
                return await identity.create_organization(options.name, options.id)
            case "create":
                return await _create(identity, options)
            case "list":
                return "\n".join(_line(record) for record in await identity.list_keys(options.org))
            case _:
                return await _revoke(identity, options.key)


async def _create(identity: Identity, options: argparse.Namespace) -> str:
    days = options.expires_in_days
    created = await identity.create_key(
        options.org,
        options.kind,
        options.scope,
        name=options.name,
        client_id=options.client,
        expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
        live=options.live,
    )
    sys.stderr.write(f"Made {created.id}. The key is shown this once:\n")
    return created.key


async def _revoke(identity: Identity, key_id: str) -> str:
    if not await identity.revoke_key(key_id):
        raise IdentityError(f"there is no key {key_id} that could be revoked")
    return f"Revoked {key_id}."


def _line(record: KeyRecord) -> str:
    """One key in tab-separated words: id, kind, state, scopes, name."""
    return "\t".join((record.id, record.kind, record.state(datetime.now(UTC)), " ".join(record.scopes), record.name))


def _days(text: str) -> int:
    days = int(text)
    if days < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return days


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chassis.identity", description="Organizations and API keys.")
    commands = parser.add_subparsers(dest="command", required=True)

    organization = commands.add_parser("create-organization", help="make an organization and tell its id")
    organization.add_argument("--name", required=True)
    organization.add_argument("--id", help="an id of your own")

    create = commands.add_parser("create", help="make a key and show it, this once")
    create.add_argument("--org", required=True, help="the organization's id")
    create.add_argument("--name", required=True, help="what the key is for")
    create.add_argument("--kind", type=KeyKind, choices=list(KeyKind), default=KeyKind.STAFF, help="who uses it")
    create.add_argument("--scope", action="append", required=True, help="what it may do; repeat for several")
    create.add_argument("--client", help="the client of a client key")
    create.add_argument("--expires-in-days", type=_days, help="never, if not given")
    create.add_argument("--live", action="store_true", help="a wk_live_ key instead of a wk_test_ one")

    listing = commands.add_parser("list", help="list an organization's keys, the revoked ones too")
    listing.add_argument("--org", required=True, help="the organization's id")

    revoke = commands.add_parser("revoke", help="revoke a key; services notice within 30 seconds")
    revoke.add_argument("key", help="the key's id")
    return parser


if __name__ == "__main__":
    sys.exit(main())
