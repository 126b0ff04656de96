"""An integration as the API takes and shows it.

Invariant: no API key is in an answer or in a `repr`, and a webhook secret in that one answer alone which tells it.
"""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import ConfigDict, Field, PlainSerializer, StringConstraints

from calcom_sync.domain.integration import API_VERSION, BASE_URL, Integration, Pagination, Placement, Terms
from calcom_sync.service.integrations import Saved, Wanted
from chassis.web import Input, Output

_SHORTEST, _LONGEST = 30, 86_400  # seconds between syncs

Id = Annotated[str, StringConstraints(min_length=1, max_length=100)]
ApiKey = Annotated[
    str,
    StringConstraints(min_length=12, max_length=1000, pattern=r"^[\x21-\x7e]+$"),
]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Instant = Annotated[
    datetime,
    PlainSerializer(
        lambda instant: instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"), return_type=str
    ),
]


class Body(Input):
    """A request's body: JSON's own types, so that neither `"4"` nor `true` passes for a number."""

    model_config = ConfigDict(strict=True)


class PlacedSchedule(Body):
    """Where the bookings of one of Cal.com's event types belong; the event type is told by its id or by its slug."""

    calcom_event_type_id: Annotated[int, Field(ge=1, le=2**53 - 1)] | None = None
    calcom_event_type_slug: Annotated[str, StringConstraints(min_length=1, max_length=300)] | None = None
    schedule_id: Id
    event_type_id: Id | None = None

    @property
    def placement(self) -> Placement:
        """The same, as the domain has it."""
        return Placement(**self.model_dump())


class IntegrationBody(Body):
    """An integration; what is left out is as by default, and `api_key` as it was."""

    api_key: Annotated[ApiKey | None, Field(description="Never shown; may be left out later.", repr=False)] = None
    base_url: Annotated[Url, Field(description="Where Cal.com's API is; your own if you host it.")] = BASE_URL
    api_version: Version = API_VERSION
    pagination: Pagination = Pagination.OFFSET
    schedules: Annotated[tuple[PlacedSchedule, ...], Field(max_length=500)] = ()
    default_schedule_id: Annotated[
        Id | None, Field(description="For event types that `schedules` does not name; without it they are skipped.")
    ] = None
    times_editable: Annotated[
        bool, Field(description="Whether the times of its bookings may be changed here, which Cal.com is not told.")
    ] = False
    sync_interval_seconds: Annotated[int, Field(ge=_SHORTEST, le=_LONGEST)] = 300
    enabled: Annotated[bool, Field(description="Whether bookings are read without being asked to.")] = True
    rotate_webhook_secret: Annotated[
        bool,
        Field(description="Whether to make a new secret for Cal.com's webhooks; the old one is good for another day."),
    ] = False

    @property
    def wanted(self) -> Wanted:
        """The integration, as the use case takes it."""
        terms = Terms(
            base_url=self.base_url.rstrip("/"),
            api_version=self.api_version,
            pagination=self.pagination,
            schedules=tuple(one.placement for one in self.schedules),
            default_schedule_id=self.default_schedule_id,
            times_editable=self.times_editable,
            sync_interval_seconds=self.sync_interval_seconds,
            enabled=self.enabled,
        )
        return Wanted(terms, self.api_key, self.rotate_webhook_secret)


class ShownSchedule(Output):
    """Where the bookings of one of Cal.com's event types belong."""

    calcom_event_type_id: int | None
    calcom_event_type_slug: str | None
    schedule_id: str
    event_type_id: str | None


class ShownIntegration(Output):
    """An integration; of its API key it tells the last characters."""

    base_url: str
    api_version: str
    pagination: Pagination
    schedules: list[ShownSchedule]
    default_schedule_id: str | None
    times_editable: bool
    sync_interval_seconds: int
    enabled: bool
    api_key_ends: str
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, one: Integration) -> Self:
        """Show an integration."""
        return cls.model_validate(_fields(one))


class SetIntegration(ShownIntegration):
    """An integration that was set; with its webhooks' secret if that was made, this once."""

    webhook_secret: Annotated[str | None, Field(repr=False)]

    @classmethod
    def of_set(cls, done: Saved) -> Self:
        """Show an integration that was set."""
        return cls.model_validate({**_fields(done.integration), "webhook_secret": done.made_secret})


def _fields(one: Integration) -> dict[str, object]:
    terms = one.terms
    return {
        "base_url": terms.base_url,
        "api_version": terms.api_version,
        "pagination": terms.pagination,
        "schedules": [
            {
                "calcom_event_type_id": placement.calcom_event_type_id,
                "calcom_event_type_slug": placement.calcom_event_type_slug,
                "schedule_id": placement.schedule_id,
                "event_type_id": placement.event_type_id,
            }
            for placement in terms.schedules
        ],
        "default_schedule_id": terms.default_schedule_id,
        "times_editable": terms.times_editable,
        "sync_interval_seconds": terms.sync_interval_seconds,
        "enabled": terms.enabled,
        "api_key_ends": one.api_key_ends,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }
