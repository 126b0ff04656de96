"""What a check counts and finds while it looks.

Invariant: whatever is held against a rule is counted, whether or not the rule holds.
"""

from dataclasses import dataclass, field
from typing import Any

from chaos.evidence import Breach, Finding


@dataclass
class Scales:
    """What was looked at for one invariant so far."""

    invariant: str
    _looked_at: int = 0
    _breaches: list[Breach] = field(default_factory=list)

    def weigh(self, holds: bool, what: str, /, **proof: Any) -> bool:
        """Hold one thing against a rule, and tell whether it keeps it.

        Args:
            holds: whether it does.
            what: what is wrong if it does not.
            proof: the values that show it.
        """
        self._looked_at += 1
        if not holds:
            self._breaches.append(Breach(self.invariant, what, proof))
        return holds

    def finding(self) -> Finding:
        """Tell what was found."""
        return Finding(self.invariant, self._looked_at, tuple(self._breaches))
