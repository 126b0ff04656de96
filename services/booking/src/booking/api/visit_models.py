"""Where and when, as requests for bookings and holds tell it.

Invariant: what neither a hold nor an event instance tells is given, or is named as missing beside every other flaw.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from booking.api.fields import UNSET, Body, Identifier, Instant, PartySize
from booking.domain.visit import Given

TableIds = Annotated[list[Identifier], Field(max_length=50)]


def needed(value: Any, info: ValidationInfo) -> Any:
    """Refuse to do without a field that nothing else tells; as a flaw of the field, it stands beside every other."""
    told = {"schedule_id": ("location_id", "event_instance_id", "hold_id"), "attendee": ("client_id",)}
    others = told.get(str(info.field_name), ("event_instance_id", "hold_id"))
    # One that is wrong itself is not among the data, and tells all that there is to tell.
    if value is None and all(info.data.get(other, "") is None for other in others if other in info.data):
        raise PydanticCustomError("missing", f"must be given without {' or '.join(others)}")
    return value


class VisitBody(Body):
    """Where and when, and for how many. What an event instance or a hold tells may be left out."""

    event_instance_id: Identifier | None = None
    location_id: Identifier | None = None
    schedule_id: Annotated[Identifier | None, AfterValidator(needed), Field(validate_default=True)] = None
    event_type_id: Identifier | None = None
    table_ids: TableIds | None = None
    start_time: Annotated[Instant | None, AfterValidator(needed), Field(validate_default=True)] = None
    end_time: Annotated[Instant | None, AfterValidator(needed), Field(validate_default=True)] = None
    party_size: PartySize = UNSET
    override_availability: bool = False

    @property
    def given(self) -> Given:
        """The fields of the visit that were given."""
        values = {name: getattr(self, name) for name in VisitBody.model_fields}
        if self.table_ids is not None:
            values["table_ids"] = tuple(self.table_ids)
        return {name: value for name, value in values.items() if value is not None}
