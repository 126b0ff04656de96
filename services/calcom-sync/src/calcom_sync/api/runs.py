"""The routes of runs: the syncs that were, and how far those are that are under way.

Invariant: admin keys alone see them.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints

from calcom_sync.api.integration_models import Instant
from calcom_sync.api.integrations import PATH, SCOPE
from calcom_sync.domain.run import LISTED, Run, RunKind, RunState
from calcom_sync.service.runs import Runs
from chassis.web import Call, Data, Input, Output, Route

_RUNS = f"{PATH}/runs"


class PageQuery(Input):
    """Which part of the list is wanted: so many, behind the one with that id; without a kind, all but webhooks'."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    starting_after: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    kind: RunKind | None = None


class ShownError(Output):
    """Why a run failed."""

    code: str
    message: str


class ShownRun(Output):
    """A run; its counts are final once it is over and nothing is unanswered.

    `synced`, `skipped`, `failed` and `unanswered` add up to `fetched`; `details` tells by what became of each. Booking
    was told of `told`, those that differed from what was known, and has answered all but `unanswered` of them.
    """

    id: str
    kind: RunKind
    status: RunState
    start_date: Instant | None
    end_date: Instant | None
    fetched: int
    synced: int
    skipped: int
    failed: int
    told: int
    unanswered: int
    details: dict[str, int]
    requests: int
    error: ShownError | None
    created_at: Instant
    started_at: Instant | None
    ended_at: Instant | None

    @classmethod
    def of(cls, run: Run) -> Self:
        """Show a run."""
        tally = run.tally
        return cls(
            id=run.id,
            kind=run.kind,
            status=run.state,
            start_date=run.window.start,
            end_date=run.window.end,
            fetched=run.fetched,
            synced=tally.synced,
            skipped=tally.skipped,
            failed=tally.failed,
            told=run.told,
            unanswered=run.unanswered,
            details=tally.details,
            requests=run.progress.requests,
            error=None if run.error is None else ShownError(code=run.error.code, message=run.error.message),
            created_at=run.created_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
        )


class RunList(Output):
    """A page of runs, the newest first; `starting_after` the last one's id reads on."""

    data: list[ShownRun]
    has_more: bool


@dataclass(frozen=True)
class Handlers:
    """The operations."""

    runs: Runs

    async def get(self, call: Call) -> Run:
        """Read one."""
        return await self.runs.get(call.caller.org_id, call.path["id"])

    async def page(self, call: Call) -> RunList:
        """List them."""
        query, limit = call.query, call.query.limit
        kinds = LISTED if query.kind is None else frozenset({query.kind})
        found = await self.runs.page(call.caller.org_id, query.starting_after, limit + 1, kinds)
        return RunList(data=[ShownRun.of(one) for one in found[:limit]], has_more=len(found) > limit)


def routes(runs: Runs) -> list[Route]:
    """List the operations."""
    handlers = Handlers(runs)
    held: dict[str, Any] = {"scope": SCOPE, "admin_only": True}
    return [
        Route("GET", _RUNS, handlers.page, summary="List syncs", answer=RunList, query=PageQuery, **held),
        Route(
            "GET",
            f"{_RUNS}/{{id}}",
            handlers.get,
            summary="Read a sync, and how far it is",
            answer=Data[ShownRun],
            render=lambda run: Data(data=ShownRun.of(run)),
            errors=("not_found",),
            **held,
        ),
    ]
