"""The checks: one for each invariant of the architecture (I1 to I12), each a pure function of a run's evidence.

Invariant: a check is true of every correct system, whatever was killed, paused or cut in the run; where a fault may
excuse something, the check says which and for how long.
"""

from collections.abc import Callable, Sequence

from chaos.checks.accounting import every_delivery_is_accounted_for
from chaos.checks.capacity import no_instance_is_overfull
from chaos.checks.consuming import effects_commit_with_their_claims
from chaos.checks.dead_letters import poison_is_set_aside
from chaos.checks.durability import answers_are_durable
from chaos.checks.history import feed_topic_and_webhook_agree
from chaos.checks.naming import webhook_ids_never_change
from chaos.checks.occupancy import nothing_overlaps
from chaos.checks.offers import offers_are_single_and_held
from chaos.checks.promptness import first_attempts_are_prompt
from chaos.checks.publishing import all_is_published_in_order
from chaos.checks.tenants import organizations_are_apart
from chaos.evidence import Evidence, Finding

CHECKS: Sequence[Callable[[Evidence], Finding]] = (
    answers_are_durable,
    all_is_published_in_order,
    effects_commit_with_their_claims,
    every_delivery_is_accounted_for,
    webhook_ids_never_change,
    nothing_overlaps,
    no_instance_is_overfull,
    offers_are_single_and_held,
    feed_topic_and_webhook_agree,
    organizations_are_apart,
    poison_is_set_aside,
    first_attempts_are_prompt,
)
"""In the order of the invariants."""


def findings(evidence: Evidence) -> Sequence[Finding]:
    """Hold a run's evidence against all twelve invariants, in their order."""
    return [check(evidence) for check in CHECKS]
