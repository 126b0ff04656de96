"""What all models of the contracts have in common.

Invariant: a contract's value never changes, and a reader skips the keys that it does not know, so that a newer
producer may add some.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ContractModel", "omitted_when_none"]


class ContractModel(BaseModel):
    """A frozen model that ignores unknown keys and is written under its aliases."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", serialize_by_alias=True, validate_by_name=True, validate_by_alias=True
    )


def _is_none(value: object) -> bool:
    return value is None


def omitted_when_none(description: str | None = None) -> Any:
    """Declare a field that may be None and is then not written at all."""
    return Field(default=None, exclude_if=_is_none, description=description)
