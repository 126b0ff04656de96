"""Lists in numbered pages (seed 002's family).

Invariant: what the seed reads of a list stands under `data`; where the page stands in the list, under `meta`.
"""

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field

from booking.domain.listing import Found, Page
from chassis.web import Input, Output

T = TypeVar("T")


class PartQuery(Input):
    """Which page of a list is wanted."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=100)] = 25

    @property
    def part(self) -> Page:
        """The page, as use cases take it."""
        return Page(self.per_page, (self.page - 1) * self.per_page)


class PartMeta(Output):
    """Where a numbered page stands in its list."""

    total: int
    page: int
    per_page: int
    hasMore: bool  # noqa: N815 - as in every other list


class Part(Output, Generic[T]):
    """A numbered page of a list."""

    data: list[T]
    meta: PartMeta


def part_of(found: Found[Any], show: Callable[[Any], T]) -> Part[T]:
    """Render a page, and tell where it stands in its list."""
    wanted = found.page
    number = wanted.offset // wanted.limit + 1
    meta = PartMeta(total=found.total, page=number, per_page=wanted.limit, hasMore=found.has_more)
    return Part(data=[show(item) for item in found.items], meta=meta)
