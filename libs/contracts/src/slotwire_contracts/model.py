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
        frozen=True,
        extra="ignore",
        serialize_by_alias=True,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


def _is_none(value: object) -> bool:
    return value is None


def _never_null(schema: dict[str, Any]) -> None:
    """Drop null from a field's JSON Schema: None is written as absence."""
    schema.pop("default")
    (present,) = (each for each in schema.pop("anyOf") if each != {"type": "null"})
    schema.update(present)


def omitted_when_none() -> Any:
    """Declare a field that may be None and is then not written at all."""
    return Field(default=None, exclude_if=_is_none, json_schema_extra=_never_null)
