"""What an integrator may keep with a reservation: any JSON object that is not nested too deep.

Invariant: what is accepted here can be read back from inside an event; JSON readers give up on deep nesting (pydantic's
at 200 levels), and a record that cannot be read would be lost to its consumers.
"""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator

__all__ = ["METADATA_DEPTH", "Metadata", "is_too_deep"]

METADATA_DEPTH = 64
"""How many levels of objects and arrays metadata may have, its own included."""


def is_too_deep(value: dict[str, Any]) -> bool:
    """Tell whether metadata is nested deeper than `METADATA_DEPTH`."""
    level: list[dict[str, Any] | list[Any]] = [value]
    for _ in range(METADATA_DEPTH):
        level = [inner for outer in level for inner in _members(outer) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _members(outer: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return outer.values() if isinstance(outer, dict) else outer


def _refuse_too_deep(value: dict[str, Any]) -> dict[str, Any]:
    if is_too_deep(value):
        raise ValueError(f"metadata has at most {METADATA_DEPTH} levels")
    return value


Metadata = Annotated[dict[str, Any], AfterValidator(_refuse_too_deep)]
"""An integrator's own JSON object."""
