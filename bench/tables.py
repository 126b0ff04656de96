"""Tables in Markdown."""

from collections.abc import Iterable, Iterator, Sequence

from bench.percentiles import percentile


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write the lines of a table."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def spread(milliseconds: Sequence[float]) -> tuple[str, ...]:
    """Write the cells of p50, p90, p99 and the greatest."""
    return tuple(f"{percentile(milliseconds, share):.2f}" for share in (0.5, 0.9, 0.99, 1.0))
