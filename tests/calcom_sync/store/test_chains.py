"""Chains and their uids, in the table."""

from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from calcom_sync.domain.changes import fingerprint
from calcom_sync.store import chains
from calcom_sync.store.chains import Known
from chassis.postgres import Database
from support.calcom_bookings import a_snapshot

ORG, OTHER = "org_a", "org_b"


def known(chain_id: str, sequence: int = 1, **fields: Any) -> Known:
    """A chain as it was told."""
    snapshot = a_snapshot(chain_id, "sch_a", **fields)
    return Known(snapshot, sequence, f"evt_{sequence}", fingerprint(snapshot))


async def test_a_chain_is_read_as_it_was_written(alone: Database) -> None:
    odd = {"a": 1.0, "b": 1e300, "c": 100000.0, "d": [None, "ü", {"e": True}], "f": 2**70}
    one, two = known("u1", metadata=odd), known("v1", uid="v2", uids=["v1", "v2"])
    async with alone.transaction() as conn:
        await chains.insert(conn, ORG, [one, two])
        assert await chains.fetch(conn, ORG, ["u1", "v1", "w1"]) == {"u1": one, "v1": two}
        later = replace(known("v1", 2, uid="v3", uids=["v1", "v2", "v3"]), last_event_id="evt_9")
        await chains.update(conn, ORG, [later])
        assert await chains.lock(conn, ORG, ["v1", "u1"]) == {"u1": one, "v1": later}
    assert fingerprint(one.snapshot) == one.fingerprint


async def test_a_chain_is_found_by_each_of_its_uids(alone: Database) -> None:
    async with alone.transaction() as conn:
        await chains.insert(conn, ORG, [known("u1"), known("v1", uid="v2", uids=["v1", "v2"])])
        await chains.update(conn, ORG, [known("v1", 2, uid="v3", uids=["v1", "v2", "v3"])])
        for named in ("v1", "v2", "v3"):
            assert await chains.uids(conn, ORG, {named, "nowhere"}) == {"v1": ("v1", "v2", "v3")}
        assert await chains.uids(conn, ORG, {"u1", "v3"}) == {"u1": ("u1",), "v1": ("v1", "v2", "v3")}
        assert await chains.uids(conn, ORG, set()) == {}


async def test_a_uid_that_has_a_chain_keeps_it(alone: Database) -> None:
    async with alone.transaction() as conn:
        await chains.insert(conn, ORG, [known("u1", uid="u2", uids=["u1", "u2"])])
        await chains.insert(conn, ORG, [known("v1", uid="u2", uids=["v1", "u2"])])
        assert set(await chains.uids(conn, ORG, {"u2"})) == {"u1"}


async def test_organizations_do_not_meet(alone: Database) -> None:
    """Two that have the same Cal.com: each has its own chains of the same uids."""
    mine, theirs = known("u1", title="Mine"), known("u1", title="Theirs")
    async with alone.transaction() as conn:
        await chains.insert(conn, ORG, [mine])
        assert await chains.fetch(conn, OTHER, ["u1"]) == {} == await chains.uids(conn, OTHER, {"u1"})
        await chains.insert(conn, OTHER, [theirs])
        await chains.update(conn, OTHER, [replace(theirs, sequence=2)])
        assert await chains.fetch(conn, ORG, ["u1"]) == {"u1": mine}


async def test_what_is_known_is_not_new(alone: Database) -> None:
    async with alone.transaction() as conn:
        await chains.insert(conn, ORG, [known("u1")])
    async with alone.connection() as conn:
        with pytest.raises(asyncpg.UniqueViolationError):
            await chains.insert(conn, ORG, [known("u1")])
