"""An organization's integration with Cal.com: where its bookings are read, and where they belong here.

Invariant: an API key is only ever sent where the one who gave it said, and it is in no `repr`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from calcom_sync.domain.errors import Flaw, ValidationFailedError

BASE_URL = "https://api.cal.com"
API_VERSION = "2024-08-13"
SECRET_GRACE = timedelta(days=1)
"""How long a webhook secret is good after another was made: Cal.com has to be told the new one by hand."""
_KEY_SHOWN = 4


class Pagination(StrEnum):
    """How lists are asked for: by how many to skip, or by a cursor, which newer versions of the API want."""

    OFFSET = "offset"
    CURSOR = "cursor"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the bookings of one of Cal.com's event types belong.

    Attributes:
        schedule_id: the schedule here.
        event_type_id: the event type here, if any.
        calcom_event_type_id: which event type of Cal.com's it is; or else
        calcom_event_type_slug: its slug.
    """

    schedule_id: str
    event_type_id: str | None = None
    calcom_event_type_id: int | None = None
    calcom_event_type_slug: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an organization sets.

    Attributes:
        base_url: where Cal.com's API is, without a slash at its end.
        api_version: the version of the API to ask for.
        pagination: how lists are asked for.
        schedules: where bookings belong, by their event type.
        default_schedule_id: where those of every other event type belong; None: nowhere, they are skipped.
        times_editable: whether the times of its bookings may be changed here.
        sync_interval_seconds: how often what changed is asked for.
        enabled: whether anything is asked for without being told to.
    """

    base_url: str = BASE_URL
    api_version: str = API_VERSION
    pagination: Pagination = Pagination.OFFSET
    schedules: tuple[Placement, ...] = ()
    default_schedule_id: str | None = None
    times_editable: bool = False
    sync_interval_seconds: int = 300
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Integration:
    """An integration.

    Attributes:
        api_key: what Cal.com is asked with; None if no key for secrets at rest opens it any more.
        api_key_ends: the last characters of it, by which to tell it from others.
        webhook_secret: what Cal.com signs its webhooks with; None as for `api_key`.
        old_secret: the one before it, if there was one; None as for `api_key`.
        old_secret_ends_at: until when that is good too.
    """

    org_id: str
    terms: Terms
    api_key: str | None = field(repr=False)
    api_key_ends: str
    webhook_secret: str | None = field(repr=False)
    created_at: datetime
    updated_at: datetime
    old_secret: str | None = field(default=None, repr=False)
    old_secret_ends_at: datetime | None = None

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """Tell with which secrets webhooks may be signed now."""
        is_good = self.old_secret_ends_at is not None and now < self.old_secret_ends_at
        found = (self.webhook_secret, self.old_secret if is_good else None)
        return tuple(secret for secret in found if secret is not None)


def account_of(terms: Terms, owner_id: int) -> str:
    """Tell the account whose bookings are read: somebody at one address, whichever key of theirs is used.

    The same id at another address is somebody else, as every Cal.com counts its own users.
    """
    return f"{owner_id} at {terms.base_url}"


def ends_of(api_key: str) -> str:
    """Tell the last characters of an API key, which are shown."""
    return api_key[-_KEY_SHOWN:]


def check(terms: Terms, api_key: str | None, present: Integration | None) -> None:
    """Check what an organization wants to set.

    Args:
        terms: the settings.
        api_key: the API key that was given; None to keep the present one.
        present: the present integration, if there is one.

    Raises:
        ValidationFailedError: an event type is not named once, or a key is lacking.
    """
    flaws = [*_placement_flaws(terms.schedules), *_key_flaws(terms, api_key, present)]
    if flaws:
        raise ValidationFailedError(*flaws)


def _placement_flaws(placements: Sequence[Placement]) -> list[Flaw]:
    flaws = []
    named: Counter[object] = Counter()
    for place, one in enumerate(placements):
        names = [name for name in (one.calcom_event_type_id, one.calcom_event_type_slug) if name is not None]
        if len(names) != 1:
            message = "must have calcom_event_type_id or calcom_event_type_slug, one of the two"
            flaws.append(Flaw(f"schedules.{place}", message, "one_of"))
            continue
        named[names[0]] += 1
        if named[names[0]] > 1:
            flaws.append(Flaw(f"schedules.{place}", "must name an event type that no other one names", "distinct"))
    return flaws


def _key_flaws(terms: Terms, api_key: str | None, present: Integration | None) -> list[Flaw]:
    if api_key is not None:
        return []
    if present is None:
        return [Flaw("api_key", "must be given the first time", "missing")]
    if terms.base_url != present.terms.base_url:  # else whoever may set the address could have the key sent to them
        return [Flaw("api_key", "must be given again when base_url changes", "missing")]
    return []
