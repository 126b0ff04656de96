"""The use cases, put together.

Invariant: all of them work with the same tools.
"""

from dataclasses import dataclass
from typing import Self

from waitlist.service.converting import Converting
from waitlist.service.ending import Ending
from waitlist.service.entries import Entries
from waitlist.service.explaining import Explaining
from waitlist.service.guests import Guests
from waitlist.service.knowing import Knowing
from waitlist.service.matching import Matching
from waitlist.service.notifying import Notifying
from waitlist.service.offering import Offering
from waitlist.service.policies import Policies
from waitlist.service.tools import Tools


@dataclass(frozen=True)
class UseCases:
    """All that the service does."""

    entries: Entries
    policies: Policies
    ending: Ending
    notifying: Notifying
    converting: Converting
    matching: Matching
    explaining: Explaining
    guests: Guests

    @classmethod
    def of(cls, tools: Tools) -> Self:
        """Put the use cases together."""
        ending, knowing = Ending(tools), Knowing(tools)
        offering = Offering(tools, ending)
        converting = Converting(tools, offering, ending)
        entries = Entries(tools, ending)
        return cls(
            entries=entries,
            policies=Policies(tools.database, tools.booking, tools.clock),
            ending=ending,
            notifying=Notifying(tools, knowing, offering),
            converting=converting,
            matching=Matching(tools, knowing, offering, converting, ending),
            explaining=Explaining(tools, knowing),
            guests=Guests(tools, entries, converting, ending),
        )
