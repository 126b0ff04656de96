"""Whether a run proves anything, and what: reasons for which it is bad, and what it prints.

Invariant: pure. A run is good only if every check has looked at something and found nothing, nobody died, all came to
rest, clients were served and faults were done as planned, and nothing went wrong within the run itself.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from chaos.evidence import Breach, Finding, Told
from chaos.plan import RUN_WAS_OVER, Planned

LONG_ENOUGH_SECONDS = 20.0
"""For how long a run must last so that there is something to look at for each check."""

_REFUSED, _SERVERS_FAULT = 300, 500
_SERVED_SHARE = 0.25
"""Of a run's requests, how many are done at the least if the system serves but for the faults; most others are refused
rightly."""

Undone = Sequence[tuple[Planned, str]]
"""The faults that were planned and not done, and why."""


def reasons(told: Told, findings: Sequence[Finding], left: Mapping[str, int], undone: Undone) -> list[str]:
    """Tell why a run is bad, nothing if it is good."""
    is_long = (told.ended_at - told.began_at).total_seconds() >= LONG_ENOUGH_SECONDS
    found = [f"{breach.invariant}: {breach.what}" for finding in findings for breach in finding.breaches]
    found += [f"{one.invariant}: nothing to look at" for one in findings if is_long and not one.looked_at]
    found += [*_unserved(told), *_undone(told, undone)] if is_long else []
    found += [f"{death.process} died by itself" for death in told.deaths]
    if told.unseen:
        found.append("something went wrong within the run itself: it proves nothing")
    if not told.settled:
        found.append(f"it did not come to rest: {dict(left)}")
    return list(dict.fromkeys(found))


def _unserved(told: Told) -> Iterator[str]:
    """Tell that clients got hardly anything done: what was made before the faults is then all that was looked at."""
    statuses = [one.status for one in told.answers if one.sent_at >= told.began_at]
    done = [status for status in statuses if status is not None and status < _REFUSED]
    if len(done) < _SERVED_SHARE * len(statuses) or not done:
        yield f"clients got hardly anything done, in {len(done)} of {len(statuses)} requests: it proves nothing"


def _undone(told: Told, undone: Undone) -> Iterator[str]:
    """Tell which kinds of faults failed again and again; what the run's end was in the way of did not fail."""
    failed = Counter(planned.kind for planned, why in undone if why != RUN_WAS_OVER)
    done = {fault.kind for fault in told.faults}
    missing = sorted(kind for kind, times in failed.items() if times > 1 and kind not in done)
    yield from (f"no {kind} could be done, though some were planned: it proves nothing" for kind in missing)


def report(told: Told, findings: Sequence[Finding], undone: Undone, notes: Sequence[str]) -> Iterator[str]:
    """Tell of a run, line by line."""
    yield from _faults(told, undone)
    yield from (f"         note: {note}" for note in notes)
    yield from _load(told)
    yield ""
    for finding in findings:
        yield f"{finding.invariant:4} looked at {finding.looked_at:6}  breaches {len(finding.breaches)}"
        for breach in finding.breaches:
            yield from _breach(breach)
    for death in told.deaths:
        yield f"{death.process} died by itself at {_clock(death.at)}:\n{death.last_words}"
    yield from told.unseen


def _faults(told: Told, undone: Undone) -> Iterator[str]:
    yield "Faults, in seconds since the load began:"
    for fault in sorted(told.faults, key=lambda one: one.at):
        at, took = (fault.at - told.began_at).total_seconds(), (fault.ended_at - fault.at).total_seconds()
        yield f"{at:7.1f}  {fault.kind} {fault.target}, well again after {took:.1f}"
    yield from (f"         not done: {planned}: {reason}" for planned, reason in undone)


def _load(told: Told) -> Iterator[str]:
    answers = Counter(_answered(one.status) for one in told.answers)
    counted = ", ".join(f"{status}: {count}" for status, count in sorted(answers.items()))
    yield ""
    yield f"{len(told.answers)} requests ({counted}), {len(told.arrivals)} webhooks received"


def _answered(status: int | None) -> str:
    """Tell a status; what no client asks for, to the digit."""
    if status is None:
        return "no answer"
    return str(status) if status >= _SERVERS_FAULT else f"{status // 100}xx"


def _breach(breach: Breach) -> Iterator[str]:
    yield f"     BREACH {breach.what}"
    yield from (f"       {name}: {value!r}" for name, value in breach.proof.items())


def _clock(at: datetime) -> str:
    return at.strftime("%H:%M:%S.%f")[:-3]
