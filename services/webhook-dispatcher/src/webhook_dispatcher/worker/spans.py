"""An attempt as a span, by the semantic conventions of OpenTelemetry for HTTP clients.

Invariant: of an endpoint's URL only the host is told: paths and queries often carry tokens.
"""

from urllib.parse import urlsplit

from chassis import tracing
from chassis.tracing import Kind
from webhook_dispatcher.domain.delivery import Attempt, Outcome
from webhook_dispatcher.domain.envelope import event_id_of
from webhook_dispatcher.domain.exchange import Answer, is_success


def trace(outcome: Outcome, attempt: Attempt) -> None:
    """Make a span of an attempt that has ended now; it follows from what created the event."""
    job, answer = outcome.job, attempt.exchange
    attributes: dict[str, str | int] = {
        "http.request.method": "POST",
        "http.request.resend_count": attempt.number - 1,
        "server.address": urlsplit(attempt.to.url).hostname or "",
        "slotwire.delivery.id": job.id,
        "slotwire.delivery.state": outcome.state.value,
        "slotwire.event.id": event_id_of(job.tail),
        "slotwire.subscription.id": job.subscription_id,
    }
    if isinstance(answer, Answer):
        attributes["http.response.status_code"] = answer.status
        error_type = None if is_success(answer.status) else str(answer.status)
    else:
        error_type = answer.kind.value
    tracing.past(
        "POST webhook",
        Kind.CLIENT,
        job.traceparent,
        seconds=attempt.latency_ms / 1000,
        attributes=attributes,
        error_type=error_type,
    )
