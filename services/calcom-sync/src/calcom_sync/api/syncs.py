"""The routes of syncs: asking for one as seed 001 does, and looking at those that were.

Invariant: admin keys alone ask for syncs and see them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from calcom_sync.api.integration_models import Body, Id
from calcom_sync.api.integrations import SCOPE
from calcom_sync.domain.run import Run
from calcom_sync.domain.window import Window
from calcom_sync.service.asking import Asking
from chassis.web import Call, Output, Route

PATH = "/api/bookings/sync-calcom"
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)


def _start(told: object) -> datetime | None:
    return None if told is None else _instant(told)


def _end(told: object) -> datetime | None:
    """Read an end; of a date, its end."""
    read = _start(told)
    return read + timedelta(days=1) if read is not None and _is_date(told) else read


def _instant(told: object) -> datetime:
    """Read an instant, or the begin of a date; without an offset it is in UTC."""
    try:
        read = datetime.fromisoformat(told if isinstance(told, str) else "")
        read = (read.replace(tzinfo=UTC) if read.tzinfo is None else read).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("iso8601", "must be a date or an instant in ISO 8601") from None
    if not _EARLIEST <= read <= _LATEST:
        raise PydanticCustomError("bounds", f"must lie between {_EARLIEST.date()} and {_LATEST.date()}")
    return read


def _is_date(told: object) -> bool:
    try:
        date.fromisoformat(told if isinstance(told, str) else "")
    except ValueError:
        return False
    return True


_SCHEMA = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]})


class SyncBody(Body):
    """Whose bookings are brought up to date, and in which time; without one, all of them."""

    organization_id: Annotated[Id, Field(alias="organizationId")]
    start_date: Annotated[datetime | None, BeforeValidator(_start), _SCHEMA, Field(alias="startDate")] = None
    end_date: Annotated[datetime | None, BeforeValidator(_end), _SCHEMA, Field(alias="endDate")] = None

    @property
    def window(self) -> Window:
        """The time."""
        return Window(self.start_date, self.end_date)


class SyncAnswer(Output):
    """What became of what was read: synced + skipped + failed are all of it; `details` tells by what became of it."""

    success: bool
    synced: int
    skipped: int
    failed: int
    fetched: int
    details: dict[str, int]
    run_id: str


@dataclass(frozen=True)
class Handlers:
    """The operations."""

    asking: Asking

    async def sync(self, call: Call) -> Run:
        """Sync now, and wait for its end."""
        body: SyncBody = call.body
        return await self.asking.sync(call.caller.org_id, body.organization_id, body.window, call.once)


def routes(asking: Asking) -> list[Route]:
    """List the operations."""
    handlers = Handlers(asking)
    return [
        Route(
            "POST",
            PATH,
            handlers.sync,
            scope=SCOPE,
            admin_only=True,
            summary="Bring the bookings of an organization up to what Cal.com says; when it answers, they are there",
            answer=SyncAnswer,
            render=_show,
            body=SyncBody,
            errors=(
                "not_found",
                "calcom_not_configured",
                "calcom_endless",
                "calcom_unauthorized",
                "calcom_unreachable",
                "calcom_malformed",
                "calcom_wrong_version",
                "calcom_throttled",
                "calcom_sync_running",
                "internal_error",
            ),
        )
    ]


def _show(run: Run) -> SyncAnswer:
    tally = run.tally
    return SyncAnswer(
        success=True,
        synced=tally.synced,
        skipped=tally.skipped,
        failed=tally.failed,
        fetched=run.fetched,
        details=tally.details,
        run_id=run.id,
    )
