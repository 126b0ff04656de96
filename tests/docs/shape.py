"""Whether a program printed what a page shows, and which of its ids stands for which of the page's.

Invariant: only what changes from run to run may differ, kind for kind; what the page calls by one name is one thing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

ELLIPSIS = "…"  # alone on a line: any number of lines

KINDS: Mapping[str, str] = {
    "key": r"wk_(?:test|live)_[0-9a-f]{64}",
    "secret": r"whsec_[A-Za-z0-9+/]+=*",
    "signature": r"v1,[A-Za-z0-9+/]{43}=",
    "id": r"\b[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}\b",
    # The pages book in the 2030s: those instants are theirs and must agree.
    "instant": r"\b202\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)",
    "seconds": r"\b1[789]\d{8}\b",
    "address": r"127\.0\.0\.1:\d+",
    "port": r"\b900[0-2]\b",  # of the pages' receivers
    "duration": r"\b\d+(?:\.\d+)? m?s\b",
    "place": r" +\d+:\d+ ",
    "latency": r'(?<="latency_ms": )\d+',
    "standing": r"(?:(?<=RateLimit-Remaining: )|(?<=RateLimit-Reset: ))\d+",
    "fingerprint": r'(?<="fingerprint": ")[0-9a-f]{64}',
    "trace": r"\b00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]\b",
}
NAMES = frozenset({"key", "secret", "id"})
VARIABLE = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()))


class MismatchError(AssertionError):
    """A program printed something else than the page shows."""


@dataclass(frozen=True)
class Shape:
    """What a page shows, ready to be compared; `known` tells what the page's names are called in this run so far."""

    text: str
    known: Mapping[str, str] = field(default_factory=dict)

    def whole(self, printed: str) -> dict[str, str]:
        """Compare with all that was printed; answers what the page's names are called.

        Raises:
            MismatchError: they differ in more than what changes from run to run.
        """
        match = re.fullmatch(self._pattern(), printed.rstrip() + "\n")
        if match is None:
            raise MismatchError(f"The page shows:\n{self.text}\nbut this was printed:\n{printed}")
        return self.names(match)

    def found_in(self, printed: str) -> re.Match[str] | None:
        """Find the shape's lines among the printed ones."""
        return re.search(f"^{self._pattern()}", printed, re.MULTILINE)

    def names(self, match: re.Match[str]) -> dict[str, str]:
        """Tell what the page's ids, keys and secrets are called, with those that were known.

        Raises:
            MismatchError: the page calls two things by one name, or one thing by two.
        """
        pairs = set(self.known.items()) | {
            (shown[0], actual)
            for shown, actual in zip(VARIABLE.finditer(self.text), match.groups(), strict=True)
            if shown.lastgroup in NAMES
        }
        called = dict(pairs)
        if len(called) != len(pairs) or len(set(called.values())) != len(pairs):
            raise MismatchError(f"names that do not stand for one thing each: {sorted(pairs)}")
        return called

    def _pattern(self) -> str:
        return "".join(
            r"(?:.*\n)*?" if line.strip() == ELLIPSIS else f"{''.join(self._parts(line))}\n"
            for line in self.text.rstrip().splitlines()
        )

    def _parts(self, line: str) -> Iterator[str]:
        """A line as a regular expression, with a group for each part that changes from run to run."""
        end = 0
        for variable in VARIABLE.finditer(line):
            yield re.escape(line[end : variable.start()])
            assert variable.lastgroup is not None
            known = self.known.get(variable[0])
            yield f"({KINDS[variable.lastgroup] if known is None else re.escape(known)})"
            end = variable.end()
        yield re.escape(line[end:])


def laid_out(text: str) -> str:
    """JSON as the pages lay it out.

    Raises:
        MismatchError: it is none.
    """
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError as error:
        raise MismatchError(f"not JSON ({error}):\n{text}") from None
