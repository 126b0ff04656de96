"""Who calls: organizations, API keys and their scopes, in the database `identity`.

Invariant: a key's text exists only in the answer that made it; the database holds its SHA-256.
"""

from chassis.identity.callers import Caller, KeyKind
from chassis.identity.keys import CreatedKey, Identity, IdentityError, KeyRecord, migrate

__all__ = ["Caller", "CreatedKey", "Identity", "IdentityError", "KeyKind", "KeyRecord", "migrate"]
