"""The route that tells why an entry has not been offered anything.

Invariant: it changes nothing, and tells of others in the queue only how many they are.
"""

from dataclasses import dataclass
from typing import Any, Self

from chassis.web import Call, Route
from slotwire_contracts import WaitlistStatus
from waitlist.api.entries import PATH
from waitlist.api.fields import READ, CamelOutput, Success, actor_of
from waitlist.domain.explaining import Because, Rule
from waitlist.service.explaining import Explained, Explaining


class ShownReason(CamelOutput):
    """Why an entry is offered nothing.

    `code` is for programs, `reason` says it in words, `rule` gave it, `remedy` would change it; `details` are what the
    rule looked at.
    """

    code: str
    reason: str
    rule: Rule
    remedy: str
    details: dict[str, Any]

    @classmethod
    def of(cls, because: Because) -> Self:
        """Show a reason."""
        return cls(
            code=because.code.value,
            reason=because.sentence,
            rule=because.rule,
            remedy=because.remedy,
            details=dict(because.details),
        )


class ShownExplanation(CamelOutput):
    """Why an entry has not been offered anything, the decisive reason first."""

    entry_id: str
    entry_status: WaitlistStatus
    position: int | None
    reasons: list[ShownReason]

    @classmethod
    def of(cls, explained: Explained) -> Self:
        """Show an explanation."""
        entry = explained.placed.entry
        return cls(
            entry_id=entry.id,
            entry_status=WaitlistStatus(entry.status.value),
            position=explained.placed.position,
            reasons=[ShownReason.of(because) for because in explained.because],
        )


@dataclass(frozen=True)
class Handlers:
    """The operation."""

    explaining: Explaining

    async def explain(self, call: Call) -> Explained:
        """Tell why an entry has not been offered anything."""
        return await self.explaining.explain(actor_of(call.caller), call.path["id"])


def routes(explaining: Explaining) -> list[Route]:
    """List the operation."""
    return [
        Route(
            "GET",
            f"{PATH}/{{id}}/explain",
            Handlers(explaining).explain,
            scope=READ,
            summary="Tell why a waitlist entry has not been offered anything",
            answer=Success[ShownExplanation],
            render=_show,
        )
    ]


def _show(explained: Explained) -> Success[ShownExplanation]:
    return Success(data=ShownExplanation.of(explained))
