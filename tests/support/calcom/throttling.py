"""How often a key may ask (scheduling.md section 1, "Rate limits").

Invariant: who asked too often is locked out for the whole block, however long they wait inside it.
"""

import math
import time
from dataclasses import dataclass, field

from support.calcom.defects import Throttle


@dataclass
class Gate:
    """Counts the requests of one key."""

    began: float = -math.inf
    count: int = 0
    blocked_until: float = -math.inf

    def take(self, rule: Throttle) -> tuple[bool, dict[str, str]]:
        """Count a request; tells whether it may pass, and the headers of its answer."""
        now = time.monotonic()
        if now < self.blocked_until:
            return False, _headers(rule, 0, self.blocked_until - now)
        if now >= self.began + rule.window:
            self.began, self.count = now, 0
        self.count += 1
        if self.count > rule.limit:
            self.began, self.blocked_until = -math.inf, now + rule.block
            return False, _headers(rule, 0, rule.block)
        return True, _headers(rule, rule.limit - self.count, self.began + rule.window - now)


@dataclass
class Gates:
    """One gate for each key."""

    of: dict[str, Gate] = field(default_factory=dict)

    def take(self, key: str, rule: Throttle) -> tuple[bool, dict[str, str]]:
        """Count a key's request."""
        return self.of.setdefault(key, Gate()).take(rule)


def _headers(rule: Throttle, remaining: int, seconds: float) -> dict[str, str]:
    """Write what is left; `Reset` is in seconds from now."""
    told = {"Limit": rule.limit, "Remaining": remaining, "Reset": math.ceil(seconds)}
    return {f"X-RateLimit-{name}-Default": str(value) for name, value in told.items()}
