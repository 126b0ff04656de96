"""Leave to lease deliveries.

Invariant: leave that is given ends by itself, so whoever looks later than that knows that nothing comes of it any more.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to lease deliveries to a worker in one transaction, if they are offered to it in time after the commit.

    Attributes:
        lease: the identity that they are leased to.
        until: when offering them is too late, in seconds of the worker's timer.
    """

    lease: str
    until: float
