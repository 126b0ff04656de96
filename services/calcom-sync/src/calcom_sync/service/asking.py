"""Asking for a sync and waiting for its end, as seed 001's endpoint does.

Invariant: an answer tells what became of everything that was read: when it comes, the bookings are there. Who sends a
request again, with its idempotency key, is told of the run that it asked for, whether that is over or not.
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
from chassis.idempotency import AnsweredBeforeError, Once
from chassis.postgres import Database


class Asking:
    """Syncs that somebody waits for.

    Args:
        database: the service's database.
        store: reads integrations.
        runs: the runs.
        patience: seconds for which a run is waited for.
    """

    def __init__(self, database: Database, store: IntegrationStore, runs: Runs, *, patience: float) -> None:
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
            AnsweredBeforeError: it is the run of a request that came before with the same key.
            IdempotencyKeyReusedError: that one had another body.
        """
        if wanted_id != org_id:
            raise NotFoundError("there is no such organization", param="organizationId")
        if window.start is not None and window.end is not None and window.end <= window.start:
            raise ValidationFailedError(Flaw("endDate", "must be after startDate", "order"))
        run_id, is_new = await self._ask(org_id, window, once)
        run = await self._runs.settled(org_id, run_id, within=self._patience)
        if run.error is not None:
            raise SyncFailedError(run.error.code, run.error.message, details={"run_id": run.id})
        if not run.is_settled:
            raise SyncRunningError("the sync goes on; look at its run", details={"run_id": run.id})
        if once is not None and not is_new:
            raise AnsweredBeforeError(once.status, once.render(run))
        return run

    async def _ask(self, org_id: str, window: Window, once: Once | None) -> tuple[str, bool]:
        """Ask for a run; tells which it is, and whether it is new: who sends a request again waits for its run."""
        async with self._database.connection() as conn:
            if await self._store.fetch(conn, org_id) is None:
                raise NotConfiguredError("the organization has no integration with Cal.com")
        if once is not None:
            return await self._runs.ask_once(org_id, RunKind.MANUAL, window, once)
        run = await self._runs.ask(org_id, RunKind.MANUAL, window)
        return run.id, True
