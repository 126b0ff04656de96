"""Exponential backoff with jitter, as a pure decision.

Invariant: a delay is a function of the attempt and of the noise handed in; nothing here sleeps.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that grow from `base` by `factor` up to `cap` seconds, each moved by up to `jitter` of itself."""

    base: float = 0.05
    factor: float = 2.0
    cap: float = 5.0
    jitter: float = 0.2

    def delay(self, failures: int, noise: float) -> float:
        """Tell how long to wait after the given number of failures in a row.

        Args:
            failures: how many have failed, from 1.
            noise: a number in [0, 1), 0.5 for no jitter.

        Returns:
            Seconds.
        """
        grown: float = min(self.cap, self.base * self.factor ** min(failures - 1, 64))
        return grown * (1 + self.jitter * (2 * noise - 1))
