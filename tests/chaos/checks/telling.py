"""The part of I1 that is about answers to one another: a key is told one thing, and nothing is taken back.

Invariant: answers are held against answers alone; whether they are true is not looked at here.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from chaos.checks.asking import thing_of
from chaos.checks.reading import changes, is_success
from chaos.checks.scales import Scales
from chaos.evidence import Answer, Evidence


def weigh_answers(scales: Scales, evidence: Evidence) -> None:
    """Check that clients were not told one thing first and then another."""
    _keys_tell_one_thing(scales, evidence)
    _nothing_is_taken_back(scales, evidence)


def shown(answer: Answer) -> dict[str, Any]:
    """Tell what a proof needs of an answer."""
    return {
        "method": answer.method,
        "path": answer.path,
        "key": answer.idempotency_key,
        "sent_at": answer.sent_at,
        "ended_at": answer.ended_at,
        "status": answer.status,
        "told": answer.told,
    }


def _keys_tell_one_thing(scales: Scales, evidence: Evidence) -> None:
    told: dict[tuple[str, ...], list[Answer]] = defaultdict(list)
    for answer in changes(evidence):
        if answer.idempotency_key is not None and answer.method == "POST":
            told[answer.org_id, answer.path, answer.idempotency_key].append(answer)
    for (org_id, path, key), some in told.items():
        scales.weigh(
            all(thing_of(answer) == thing_of(some[0]) and answer.status == some[0].status for answer in some),
            "one idempotency key was told two things",
            org_id=org_id,
            path=path,
            key=key,
            told=[(answer.status, answer.told) for answer in some],
        )


def _nothing_is_taken_back(scales: Scales, evidence: Evidence) -> None:
    """Check that whoever asks after an answer is not told of an earlier version."""
    told: dict[str, list[Answer]] = defaultdict(list)
    for answer in evidence.told.answers:
        one, data = thing_of(answer)
        if one is not None and is_success(answer) and isinstance(data.get("version"), int):
            told[one].append(answer)
    for one, some in told.items():
        for before, after in _went_back(some):
            scales.weigh(
                False,  # noqa: FBT003
                "a client was told of a version that is earlier than one that was told before",
                id=one,
                before=shown(before),
                after=shown(after),
            )


def _went_back(some: Sequence[Answer]) -> Iterator[tuple[Answer, Answer]]:
    for after in some:
        if after.method == "POST" and after.idempotency_key is not None:
            continue  # it may be the stored answer
        earlier = [one for one in some if one.ended_at < after.sent_at]
        latest = max(earlier, key=_version, default=after)
        if _version(latest) > _version(after):
            yield latest, after


def _version(answer: Answer) -> int:
    return int(thing_of(answer)[1]["version"])
