"""Asking for a sync and waiting for its end, as seed 001's endpoint does.

Invariant: an answer tells what became of everything that was read: when it comes, the bookings are there.
"""

from calcom_sync.domain.errors import (
    Flaw,
    NotConfiguredError,
    NotFoundError,
    SyncFailedError,
    SyncRunningError,
    ValidationFailedError,
)
from calcom_sync.domain.run import Run, RunKind
from calcom_sync.domain.window import Window
from calcom_sync.service.runs import Runs
from calcom_sync.store.integrations import IntegrationStore
from chassis.idempotency import Once
from chassis.postgres import Database
from chassis.unit import UnitOfWork


class Asking:
    """Syncs that somebody waits for.

    Args:
        units: begins transactions.
        database: the service's database.
        store: reads integrations.
        runs: the runs.
        patience: seconds for which a run is waited for.
    """

    def __init__(
        self, units: UnitOfWork, database: Database, store: IntegrationStore, runs: Runs, *, patience: float
    ) -> None:
        self._units = units
        self._database = database
        self._store = store
        self._runs = runs
        self._patience = patience

    async def sync(self, org_id: str, wanted_id: str, window: Window, once: Once | None) -> Run:
        """Sync, and wait until booking has answered.

        Args:
            org_id: the caller's organization.
            wanted_id: the organization that is asked for.
            window: the time that is asked for.
            once: the request's idempotency key, if it has one.

        Raises:
            NotFoundError: it is another organization.
            ValidationFailedError: the time ends before it starts.
            NotConfiguredError: there is no integration.
            SyncFailedError: the run failed; the code tells why.
            SyncRunningError: it takes longer than is waited for.
        """
        if wanted_id != org_id:
            raise NotFoundError("there is no such organization", param="organizationId")
        if window.start is not None and window.end is not None and window.end <= window.start:
            raise ValidationFailedError(Flaw("endDate", "must be after startDate", "order"))
        await self._check(org_id, once)
        run = await self._runs.ask(org_id, RunKind.MANUAL, window)
        run = await self._runs.settled(org_id, run.id, within=self._patience)
        if run.error is not None:
            raise SyncFailedError(run.error.code, run.error.message, details={"run_id": run.id})
        if not run.is_settled:
            raise SyncRunningError("the sync goes on; look at its run", details={"run_id": run.id})
        if once is not None:
            async with self._units.begin(once) as unit:
                unit.answer(run)
        return run

    async def _check(self, org_id: str, once: Once | None) -> None:
        async with self._database.connection() as conn:
            if once is not None:
                await once.look(conn)
            if await self._store.fetch(conn, org_id) is None:
                raise NotConfiguredError("the organization has no integration with Cal.com")
