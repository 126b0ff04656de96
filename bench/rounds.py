"""A service and its reference in turns."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of both: what each did a second."""

    ours: float
    bare: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All turns; the medians stand for them."""

    rounds: tuple[Round, ...]

    @property
    def ours_per_s(self) -> float:
        """What the service did a second."""
        return median(one.ours for one in self.rounds)

    @property
    def bare_per_s(self) -> float:
        """What the reference did a second."""
        return median(one.bare for one in self.rounds)

    @property
    def ratio(self) -> float:
        """The service's rate as a part of the reference's."""
        return self.ours_per_s / self.bare_per_s
