"""Services over HTTP: where seed 002 has them, and in its shape.

Invariant: but for the list's query and shape they are a kind like every other.
"""

from typing import Any

from booking.api.fields import actor_of
from booking.api.parts import Part, part_of
from booking.api.reference.collection import Collection
from booking.api.reference_models import services as models
from booking.domain.errors import Flaw, ValidationFailedError
from booking.domain.listing import Found
from booking.domain.reference import SERVICES, Service, Stored
from booking.service.reference import ReferenceData
from chassis.web import Call, Data


class ServiceCollection(Collection[Service]):
    """The services."""

    async def page(self, call: Call) -> Found[Stored[Service]]:
        """Answer a page of them; a business is the organization."""
        query: models.ServiceQuery = call.query
        if query.business_id not in {None, call.caller.org_id}:
            raise ValidationFailedError(Flaw("business_id", "must be the id of the key's organization", "unknown"))
        return await self.data.page(actor_of(call.caller), self.kind, query.part, {})

    def show_several(self, found: Found[Stored[Service]]) -> Any:
        """Render a page as an answer."""
        return part_of(found, self.show)


def collection(data: ReferenceData) -> ServiceCollection:
    """Make the services' collection."""
    return ServiceCollection(
        kind=SERVICES,
        path="/v2/settings/services",
        new=models.NewService,
        changed=models.ChangedService,
        query=models.ServiceQuery,
        shown=models.Service,
        one=Data[models.Service],
        several=Part[models.Service],
        gone=Data[models.DeletedService],
        key="uid",
        data=data,
    )
