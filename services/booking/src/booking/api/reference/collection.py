"""A kind of reference data over HTTP.

Invariant: every kind has the same five operations, made by one class; staff alone make and delete.
"""

from dataclasses import asdict, dataclass
from typing import Any, Generic

from pydantic import BaseModel

from booking.api.bookings import origin_of
from booking.api.fields import Body, actor_of, meta_of
from booking.api.reference_models.fields import Deleted
from booking.domain.listing import Found
from booking.domain.reference import Kind, Stored, T
from booking.service.reference import ReferenceData
from chassis.web import Call, Data, Listing, Route

READ, MANAGE = "schedules.read", "schedules.manage"


@dataclass(frozen=True, kw_only=True)
class Collection(Generic[T]):
    """A kind of reference data as the API shows it.

    Attributes:
        kind: the kind.
        path: where its collection is.
        new: what a POST takes.
        changed: what a PATCH takes.
        query: what a list takes.
        shown: one of them; `key` is its field for the id.
        one: one of them, as an answer.
        several: a page of them, as an answer.
        gone: what is told of a deleted one, as an answer.
        read: the scope that reading needs.
        manage: the scope that everything else needs.
        data: the use cases.
    """

    kind: Kind[T]
    path: str
    new: type[Body]
    changed: type[Body]
    query: type[BaseModel]
    shown: type[BaseModel]
    one: type[Data[Any]]
    several: type[BaseModel]
    gone: type[Data[Any]] = Data[Deleted]
    key: str = "id"
    read: str = READ
    manage: str = MANAGE
    data: ReferenceData

    async def create(self, call: Call) -> Stored[T]:
        """Add one."""
        entity = self.kind.entity(**call.body.model_dump())
        return await self.data.create(actor_of(call.caller), self.kind, entity, origin_of(call), call.once)

    async def get(self, call: Call) -> Stored[T]:
        """Answer one."""
        return await self.data.get(actor_of(call.caller), self.kind, call.path["id"])

    async def page(self, call: Call) -> Found[Stored[T]]:
        """Answer a page of them."""
        filters = call.query.model_dump(exclude={"limit", "offset"}, exclude_none=True)
        return await self.data.page(actor_of(call.caller), self.kind, call.query.page, filters)

    async def change(self, call: Call) -> Stored[T]:
        """Change the fields that are given."""
        fields = call.body.model_dump(exclude_unset=True)
        return await self.data.change(actor_of(call.caller), self.kind, call.path["id"], fields, origin_of(call))

    async def delete(self, call: Call) -> Stored[T]:
        """Delete one."""
        return await self.data.delete(actor_of(call.caller), self.kind, call.path["id"], origin_of(call))

    def show(self, stored: Stored[T]) -> Any:
        """Render one."""
        kept = {self.key: stored.id, "created_at": stored.created_at, "updated_at": stored.updated_at}
        return self.shown.model_validate({**kept, **asdict(stored.entity)})

    def show_one(self, stored: Stored[T]) -> Any:
        """Render one as an answer."""
        return self.one(data=self.show(stored))

    def show_several(self, found: Found[Stored[T]]) -> Any:
        """Render a page as an answer."""
        return Listing(data=[self.show(stored) for stored in found.items], meta=meta_of(found))

    def show_gone(self, stored: Stored[T]) -> Any:
        """Render that one was deleted."""
        return self.gone.model_validate({"data": {self.key: stored.id}})

    def routes(self) -> list[Route]:
        """List the five operations."""
        noun = self.kind.noun
        one = f"{self.path}/{{id}}"
        return [
            Route(
                "GET",
                self.path,
                self.page,
                scope=self.read,
                summary=f"List every {noun}",
                answer=self.several,
                render=self.show_several,
                query=self.query,
            ),
            Route(
                "POST",
                self.path,
                self.create,
                scope=self.manage,
                summary=f"Make a new {noun}",
                answer=self.one,
                render=self.show_one,
                body=self.new,
                status=201,
                staff_only=True,
            ),
            Route(
                "GET",
                one,
                self.get,
                scope=self.read,
                summary=f"Read one {noun}",
                answer=self.one,
                render=self.show_one,
            ),
            Route(
                "PATCH",
                one,
                self.change,
                scope=self.manage,
                summary=f"Change one {noun}",
                answer=self.one,
                render=self.show_one,
                body=self.changed,
                staff_only=not self.kind.personal,
            ),
            Route(
                "DELETE",
                one,
                self.delete,
                scope=self.manage,
                summary=f"Delete one {noun} that nothing uses",
                answer=self.gone,
                render=self.show_gone,
                errors=("in_use",),
                staff_only=True,
            ),
        ]
