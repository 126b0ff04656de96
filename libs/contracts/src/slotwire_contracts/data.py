"""The data of an event: the resource that it is about, and what happened to it.

Invariant: `resource` is the whole resource right after `change`; of one that is gone, as it was last.
"""

from typing import Generic, TypeVar

from slotwire_contracts.model import ContractModel

__all__ = ["NoChange", "ResourceData"]

Resource_co = TypeVar("Resource_co", bound=ContractModel, covariant=True)
Change_co = TypeVar("Change_co", bound=ContractModel, covariant=True)


class ResourceData(ContractModel, Generic[Resource_co, Change_co]):
    """The resource right after the change, and the change."""

    resource: Resource_co
    change: Change_co


class NoChange(ContractModel):
    """Nothing to tell beside the snapshot."""
