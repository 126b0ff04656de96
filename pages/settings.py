"""The settings of all services as tables, read from their classes.

Invariant: every field is listed once: what all services share by itself, and a service's own below its name.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from booking.settings import Settings as Booking
from calcom_sync.settings import Settings as CalcomSync
from chassis.settings import ServiceSettings
from pages.sections import table
from waitlist.settings import Settings as Waitlist
from webhook_dispatcher.settings import Settings as WebhookDispatcher

SERVICES: dict[str, type[ServiceSettings]] = {
    "booking": Booking,
    "waitlist": Waitlist,
    "webhook-dispatcher": WebhookDispatcher,
    "calcom-sync": CalcomSync,
}
"""Each service's settings, by its name."""

_SIGNS = ((Ge, "ge", "at least"), (Gt, "gt", "over"), (Le, "le", "at most"), (Lt, "lt", "under"))


def variable(settings: type[ServiceSettings], field: str) -> str:
    """Tell the environment variable of a field: ours, unless it has a name that others have given it."""
    alias = settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"SLOTWIRE_{field.upper()}"


def variables(settings: type[ServiceSettings]) -> set[str]:
    """Tell every variable that a service reads."""
    return {variable(settings, field) for field in settings.model_fields}


def names() -> set[str]:
    """Tell every variable that one of the services reads."""
    return set().union(*map(variables, SERVICES.values()))


def tables() -> str:
    """Write all settings."""
    shared = list(ServiceSettings.model_fields)
    text = ["\nEvery service:\n", _table(ServiceSettings, shared)]
    for name, settings in SERVICES.items():
        own = [field for field in settings.model_fields if field not in shared]
        text += [f"`{name}`, beside these:\n", _table(settings, own)] if own else [f"`{name}` has no others.\n\n"]
    return "".join(text)


def _table(settings: type[ServiceSettings], fields: Sequence[str]) -> str:
    return table(("setting", "default", "bounds", "meaning"), *(_row(settings, field) for field in fields))


def _row(settings: type[ServiceSettings], name: str) -> tuple[str, ...]:
    field = settings.model_fields[name]
    meaning = ". ".join(part.rstrip(".") for part in (field.title, field.description) if part)
    return f"`{variable(settings, name)}`", _default(field), ", ".join(_bounds(field)), f"{meaning}."


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    shown = _plain(field.default)
    return f"`{shown}`" if shown else "none"


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple | bool):
        return json.dumps(list(value) if isinstance(value, tuple) else value)
    return str(value).removesuffix(".0").removesuffix("/")


def _bounds(field: FieldInfo) -> Iterator[str]:
    if get_origin(field.annotation) is Literal:
        yield " or ".join(f"`{one}`" for one in get_args(field.annotation))
    for kind, attribute, word in _SIGNS:
        for bound in field.metadata:
            if isinstance(bound, kind):
                yield f"{word} {_plain(getattr(bound, attribute))}"
