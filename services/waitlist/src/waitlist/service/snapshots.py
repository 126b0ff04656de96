"""An entry as the world sees it.

Invariant: events and the HTTP API show the same snapshot.
"""

from slotwire_contracts import WaitlistContact, WaitlistEntry, WaitlistInitiator, WaitlistStatus
from waitlist.domain.entry import Contact, Entry

_SAME = (
    "id",
    "location_id",
    "requested_date",
    "party_size",
    "event_instance_id",
    "priority",
    "notes",
    "window_start",
    "window_end",
    "source_name",
    "channel",
    "time_zone",
    "matter_uid",
    "booking_id",
    "joined_at",
    "updated_at",
    "version",
)


def snapshot(entry: Entry) -> WaitlistEntry:
    """Show an entry."""
    return WaitlistEntry(
        **{name: getattr(entry, name) for name in _SAME},
        user_id=entry.client_id,
        preferred_start_time=entry.preferred_start,
        preferred_end_time=entry.preferred_end,
        status=WaitlistStatus(entry.status.value),
        contact=contact_of(entry.contact),
        initiator=WaitlistInitiator(entry.initiator),
    )


def contact_of(contact: Contact | None) -> WaitlistContact | None:
    """Show a contact."""
    if contact is None:
        return None
    return WaitlistContact(name=contact.name, email=contact.email, phone=contact.phone)
