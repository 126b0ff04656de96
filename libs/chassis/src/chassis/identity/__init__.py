"""Who calls: organizations, API keys and their scopes, in the database `identity`.

Invariant: a key's text exists only in the answer that made it; the database holds its SHA-256.
"""

from chassis.identity.callers import ORGANIZATION_HEADER, Caller, KeyKind
from chassis.identity.keys import CreatedKey, Identity, IdentityError, KeyRecord, migrate

__all__ = [
    "ORGANIZATION_HEADER",
    "Caller",
    "CreatedKey",
    "Identity",
    "IdentityError",
    "KeyKind",
    "KeyRecord",
    "migrate",
]
