"""Stretches of a line, told by their two ends: of time in epoch seconds, or of a row by its places.

Invariant: a stretch does not contain its end; what is answered is in order, and no two of it overlap or touch.
"""

from collections.abc import Iterable, Sequence

Stretch = tuple[int, int]
"""From one point on, up to another that is not part of it any more."""


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Join stretches that overlap or touch; empty ones are left out."""
    found: list[Stretch] = []
    for begin, end in sorted(stretches):
        if begin >= end:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    return found


def common(one: Sequence[Stretch], other: Sequence[Stretch]) -> list[Stretch]:
    """Answer what is part of both, each of them joined."""
    found: list[Stretch] = []
    here = there = 0
    while here < len(one) and there < len(other):
        begin, end = max(one[here][0], other[there][0]), min(one[here][1], other[there][1])
        if begin < end:
            found.append((begin, end))
        if one[here][1] == end:
            here += 1
        else:
            there += 1
    return found
