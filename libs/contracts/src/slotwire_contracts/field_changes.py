"""How a change of fields is told: for each changed one, what it was and what it has become.

Invariant: a field that did not change is absent.
"""

from typing import Generic, TypeVar

from pydantic import Field, JsonValue

from slotwire_contracts.model import ContractModel
from slotwire_contracts.times import Instant

__all__ = [
    "AnyChange",
    "AnyChanges",
    "CountChange",
    "FieldChange",
    "InstantChange",
    "OptionalTextChange",
    "TextChange",
]

Value_co = TypeVar("Value_co", covariant=True)


class FieldChange(ContractModel, Generic[Value_co]):
    """What a field was and has become."""

    from_: Value_co = Field(alias="from")
    to: Value_co


class InstantChange(FieldChange[Instant]):
    """A time moved."""


class TextChange(FieldChange[str]):
    """A text that is always there was replaced."""


class OptionalTextChange(FieldChange[str | None]):
    """A text was set, replaced or taken away."""


class CountChange(FieldChange[int]):
    """A number rose or fell."""


class AnyChange(FieldChange[JsonValue]):
    """A field changed, whatever it holds; both values are JSON, as in the snapshots before and after."""


class AnyChanges(ContractModel):
    """The fields of the snapshot that changed, by their names."""

    changes: dict[str, AnyChange]
