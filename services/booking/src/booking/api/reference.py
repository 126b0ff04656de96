"""Routes of reference data.

Invariant: every kind has the same four operations, made by one class.
"""

from dataclasses import asdict, dataclass
from typing import Any, Generic

from booking.api import reference_models as models
from booking.api.fields import Body, PageQuery, actor_of, meta_of
from booking.domain.listing import Found
from booking.domain.reference import EVENT_TYPES, LOCATIONS, SCHEDULES, TABLES, Kind, Stored, T
from booking.service.reference import ReferenceData
from chassis.web import Call, Data, Listing, Route

READ, MANAGE = "schedules.read", "schedules.manage"


@dataclass(frozen=True)
class Collection(Generic[T]):
    """A kind of reference data as the API shows it."""

    kind: Kind[T]
    new: type[Body]
    changed: type[Body]
    shown: type[models.Stored]
    one: type[Data[Any]]
    several: type[Listing[Any]]
    data: ReferenceData

    async def create(self, call: Call) -> Stored[T]:
        """Add one."""
        entity = self.kind.entity(**call.body.model_dump())
        return await self.data.create(actor_of(call.caller), self.kind, entity, call.once)

    async def get(self, call: Call) -> Stored[T]:
        """Answer one."""
        return await self.data.get(actor_of(call.caller), self.kind, call.path["id"])

    async def page(self, call: Call) -> Found[Stored[T]]:
        """Answer a page of them."""
        return await self.data.page(actor_of(call.caller), self.kind, call.query.page)

    async def change(self, call: Call) -> Stored[T]:
        """Change the fields that are given."""
        fields = call.body.model_dump(exclude_unset=True)
        return await self.data.change(actor_of(call.caller), self.kind, call.path["id"], fields)

    def show(self, stored: Stored[T]) -> models.Stored:
        """Render one."""
        return self.shown(
            id=stored.id,
            created_at=stored.created_at,
            updated_at=stored.updated_at,
            **asdict(stored.entity),
        )

    def show_one(self, stored: Stored[T]) -> Any:
        """Render one as an answer."""
        return self.one(data=self.show(stored))

    def show_several(self, found: Found[Stored[T]]) -> Any:
        """Render a page as an answer."""
        return self.several(data=[self.show(stored) for stored in found.items], meta=meta_of(found))

    def routes(self) -> list[Route]:
        """List the four operations."""
        one = self.kind.noun
        path = f"/api/v1/{self.kind.name.replace('_', '-')}"
        return [
            Route(
                "GET",
                path,
                self.page,
                scope=READ,
                summary=f"List every {one}",
                answer=self.several,
                render=self.show_several,
                query=PageQuery,
            ),
            Route(
                "POST",
                path,
                self.create,
                scope=MANAGE,
                summary=f"Make a new {one}",
                answer=self.one,
                render=self.show_one,
                body=self.new,
                status=201,
                staff_only=True,
            ),
            Route(
                "GET",
                f"{path}/{{id}}",
                self.get,
                scope=READ,
                summary=f"Read one {one}",
                answer=self.one,
                render=self.show_one,
            ),
            Route(
                "PATCH",
                f"{path}/{{id}}",
                self.change,
                scope=MANAGE,
                summary=f"Change one {one}",
                answer=self.one,
                render=self.show_one,
                body=self.changed,
                staff_only=True,
            ),
        ]


def routes(data: ReferenceData) -> list[Route]:
    """List the operations of every kind."""
    return [
        *Collection(
            LOCATIONS,
            models.NewLocation,
            models.ChangedLocation,
            models.Location,
            Data[models.Location],
            Listing[models.Location],
            data,
        ).routes(),
        *Collection(
            TABLES,
            models.NewTable,
            models.ChangedTable,
            models.Table,
            Data[models.Table],
            Listing[models.Table],
            data,
        ).routes(),
        *Collection(
            SCHEDULES,
            models.NewSchedule,
            models.ChangedSchedule,
            models.Schedule,
            Data[models.Schedule],
            Listing[models.Schedule],
            data,
        ).routes(),
        *Collection(
            EVENT_TYPES,
            models.NewEventType,
            models.ChangedEventType,
            models.EventType,
            Data[models.EventType],
            Listing[models.EventType],
            data,
        ).routes(),
    ]
