"""The system's consumer groups, and what they read.

Invariant: each is named by the service that it is of.
"""

from collections.abc import Mapping

from booking.consumer import GROUP as BOOKING
from calcom_sync.consumer import GROUP as CALCOM_SYNC
from slotwire_contracts import BOOKING_EVENTS, CALCOM_BOOKINGS, CALCOM_RESULTS, WEBHOOK_ATTEMPTS, public_topics
from waitlist.stream import GROUP as WAITLIST
from webhook_dispatcher.consumer import GROUP as DISPATCHER
from webhook_dispatcher.stream import GROUP as HEALTH

GROUPS: Mapping[str, tuple[str, ...]] = {
    DISPATCHER: tuple(topic.name for topic in public_topics()),
    BOOKING: (CALCOM_BOOKINGS.name,),
    CALCOM_SYNC: (CALCOM_RESULTS.name,),
    WAITLIST: (BOOKING_EVENTS.name,),
    HEALTH: (WEBHOOK_ATTEMPTS.name,),
}
"""Who reads what."""

JOINED = (DISPATCHER, BOOKING, CALCOM_SYNC)
"""Those that a stranger joins; in those of Faust's streams a member has to speak Faust's own protocol."""
