"""What the pages list is what the programs have: schedules, codes, scopes, topics, types."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from prometheus_client import REGISTRY
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from booking.api.errors import ERRORS as BOOKING_ERRORS
from booking.domain.checks import EXTERNAL_METADATA_BYTES
from booking.domain.external import TEXT_BYTES
from booking.domain.instances import EVENT_CANCELLED
from calcom_sync import app as calcom_sync
from calcom_sync.api.errors import ERRORS as CALCOM_ERRORS
from calcom_sync.api.integration_models import IntegrationBody
from calcom_sync.domain.counting import Outcome as CalcomOutcome
from calcom_sync.domain.counting import Tally
from calcom_sync.domain.run import Bounds
from calcom_sync.domain.snapshots import SNAPSHOT_BYTES
from calcom_sync.domain.status import DELETED, GRACE, REJECTED, RESCHEDULED
from calcom_sync.settings import Settings as CalcomSettings
from chassis.identity import KeyKind
from chassis.identity.callers import SCOPES
from chassis.settings import ServiceSettings
from chassis.web.errors import STATUSES
from docs.conftest import ROOT
from slotwire_contracts import CATALOG, TOPICS, WEBHOOK_ATTEMPTS, CalcomStatus, dead_letters
from waitlist import app as waitlist
from waitlist.api.entry_models import ChangedEntry, EntryBody, ShownEntry
from waitlist.api.errors import ERRORS as WAITLIST_ERRORS
from waitlist.api.event_waitlist_models import CancelBody, JoinBody, State
from waitlist.api.policies import PolicyBody
from waitlist.domain.choosing import Reason
from waitlist.domain.explaining import RULES
from waitlist.domain.policy import DEFAULTS, PlaceKind
from waitlist.domain.status import TRANSITIONS
from waitlist.settings import Settings as WaitlistSettings
from webhook_dispatcher import app as dispatcher
from webhook_dispatcher.api import ERRORS as WEBHOOK_ERRORS
from webhook_dispatcher.domain.delivery import DeliveryState
from webhook_dispatcher.domain.exchange import FailureKind
from webhook_dispatcher.domain.retry import DEFAULT
from webhook_dispatcher.domain.subscription import DisabledReason
from webhook_dispatcher.settings import Settings

SECONDS = {"s": 1, "min": 60, "h": 3600}
GATEWAY = {"bad_gateway": 502, "gateway_timeout": 504}


def text(page: str) -> str:
    return Path(ROOT / "docs" / page).read_text()


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the tables that begin with a heading."""
    tables = [rest.split("\n\n", 1)[0] for rest in text(page).split(f"| {heading} |")[1:]]
    lines = [line for table in tables for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def names(model: type[BaseModel]) -> set[str]:
    return {to_camel(name) for name in model.model_fields}


def test_the_retry_schedule() -> None:
    pauses = [cell.split() for _, cell in rows("webhooks.md", "attempt")]
    assert [float(number) * SECONDS[unit] for number, unit in pauses] == list(DEFAULT.pauses)
    assert [number for number, _ in rows("webhooks.md", "attempt")] == [str(2 + n) for n in range(len(DEFAULT.pauses))]
    assert f"about {round(sum(DEFAULT.pauses) / 3600)} hours" in text("webhooks.md").replace("\n", " ")


def test_the_error_codes() -> None:
    listed = {code: int(status) for status, codes, _ in rows("api.md", "status") for code in words(codes)}
    every: Mapping[str, int] = {
        **STATUSES,
        **BOOKING_ERRORS,
        **WAITLIST_ERRORS,
        **WEBHOOK_ERRORS,
        **CALCOM_ERRORS,
        **GATEWAY,
    }
    assert listed == every


def test_the_scopes_and_kinds_of_keys() -> None:
    assert {scope for scopes, _ in rows("api.md", "scope") for scope in words(scopes)} == SCOPES
    assert {words(kind)[0] for kind, _ in rows("api.md", "`--kind`")} == set(KeyKind)


def test_the_statuses_of_waitlist_entries() -> None:
    listed = {words(status)[0]: set(words(after)) for status, _, after in rows("waitlist.md", "entry `status`")}
    assert listed == {status.value: {after.value for after in edges} for status, edges in TRANSITIONS.items()}


def test_the_fields_of_waitlist_entries() -> None:
    listed = {words(name)[0]: (default.strip("`"), too) for name, default, too, _ in rows("waitlist.md", "to join")}
    changed = names(ChangedEntry)
    assert listed == {
        name: ("" if default is None else str(default), "yes" if name in changed else "no")
        for name, default in EntryBody().model_dump(by_alias=True).items()
    }
    shown = {word for keys, _ in rows("waitlist.md", "an entry shows") for word in words(keys)}
    assert shown | names(EntryBody) | {"id", "status", "joinedAt", "updatedAt"} == names(ShownEntry)


def test_the_waitlists_of_events() -> None:
    listed = rows("waitlist.md", "to join an event")
    assert [word for cell, _, _ in listed for word in words(cell)] == list(JoinBody.model_fields)
    assert {word for _, cell, _ in listed for word in words(cell)} == set(CancelBody.model_fields)
    states = {words(state)[0]: words(status)[0] for state, status in rows("waitlist.md", "`status` here")}
    assert (set(states), set(states.values())) == (set(get_args(State)), set(TRANSITIONS))


def test_the_policies_of_waitlists() -> None:
    listed = {words(field)[0]: default for field, default, _ in rows("waitlist.md", "field")}
    shown = PolicyBody().model_dump(mode="json", by_alias=True)
    assert listed.keys() == shown.keys()
    assert [int(found) for found in re.findall(r"\d+", listed.pop("offerMinutes"))] == [
        DEFAULTS[PlaceKind.LOCATION].offer_minutes,
        DEFAULTS[PlaceKind.SERVICE].offer_minutes,
    ]
    plain = {name: "null" if shown[name] is None else str(shown[name]).lower() for name in listed}
    assert {name: default.strip("`") for name, default in listed.items()} == plain


def test_the_reasons_why_a_waitlist_entry_is_offered_nothing() -> None:
    listed = {code: words(rule) for codes, rule, _ in rows("waitlist.md", "`code`") for code in words(codes)}
    told = RULES.keys() - {Reason.TAKEN_MEANWHILE}  # a match alone knows of that, for as long as it lasts
    assert listed == {code.value: [RULES[code][0].value] for code in told}


def test_the_conflicts_of_waitlists() -> None:
    listed = {words(code)[0] for code, _ in rows("waitlist.md", "`409`")}
    assert listed == {code for code, status in WAITLIST_ERRORS.items() if status == 409}


def test_the_topics() -> None:
    listed = {
        words(name)[0]: (partitions, kept) for name, _, partitions, kept, _ in rows("consume-the-streams.md", "topic")
    }
    assert listed == {
        topic.name: (str(topic.partitions), f"{topic.retention_hours // 24} days")
        for one in (*TOPICS, WEBHOOK_ATTEMPTS)
        for topic in (one, dead_letters(one))
    }


def test_the_types_of_events() -> None:
    told = text("consume-the-streams.md").split("The types of a booking's events:", 1)[1].split("\n\n", 1)[0]
    reservations = {"reservation" + word.removeprefix("reservation") for word in words(told)}
    others = {kind for kinds, _, _ in rows("consume-the-streams.md", "type") for kind in words(kinds)}
    assert (reservations & others, reservations | others) == (set(), set(CATALOG))


def test_the_states_and_failures_of_deliveries() -> None:
    told = text("webhooks.md")
    states = told.split("`status` may be", 1)[1].split(";", 1)[0]
    assert set(words(states)) == set(DeliveryState)
    assert [word for error, _ in rows("webhooks.md", "`error`") for word in words(error)] == list(FailureKind)
    assert [word for why, _ in rows("webhooks.md", "`disabled_reason`") for word in words(why)] == list(DisabledReason)


def test_what_is_outside_availability_is_told_whole() -> None:
    (told,) = [meaning for _, codes, meaning in rows("api.md", "status") if words(codes) == ["outside_availability"]]
    assert all(word in told for word in ("schedule", "location", "lengths", "grid", "notice", "horizon"))


def test_the_reason_of_an_event_instance_that_nobody_gave_one_for() -> None:
    (told,) = [change for kinds, _, change in rows("consume-the-streams.md", "type") if "e.cancelled`" in kinds]
    assert EVENT_CANCELLED in words(told)


def test_the_metrics_of_webhooks() -> None:
    assert dispatcher.VERSION  # composed of all that has metrics
    known = {f"{family.name}{'_total' if family.type == 'counter' else ''}" for family in REGISTRY.collect()}
    listed = {words(metric)[0] for metric, _, _ in rows("operating-webhooks.md", "metric")}
    assert listed <= known
    assert {name for name in known if name.startswith(("slotwire_webhook", "slotwire_deliveries"))} <= listed


def test_the_metrics_of_waitlists() -> None:
    assert waitlist.VERSION
    known = {f"{family.name}{'_total' if family.type == 'counter' else ''}" for family in REGISTRY.collect()}
    listed = {words(metric)[0] for metric, _, _ in rows("operating-waitlists.md", "metric")}
    assert listed <= known
    assert {name for name in known if name.startswith("slotwire_waitlist")} <= listed


def test_the_settings_of_waitlists() -> None:
    listed = {words(name)[0]: default.strip("`") for name, default, _ in rows("operating-waitlists.md", "setting")}
    own = WaitlistSettings.model_fields.keys() - ServiceSettings.model_fields.keys()
    assert listed.keys() == {f"SLOTWIRE_{name.upper()}" for name in own}
    for name in own:
        field, told = WaitlistSettings.model_fields[name], listed[f"SLOTWIRE_{name.upper()}"]
        default = "" if field.is_required() else str(field.default).removesuffix("/").removesuffix(".0")
        assert (name, told) == (name, default)


def test_what_became_of_bookings_of_calcom() -> None:
    listed = {words(outcome)[0]: counted for outcome, counted, _ in rows("calcom.md", "in `details`")}
    sums = ("synced", "skipped", "failed")
    assert listed == {
        outcome.value: counted for outcome in CalcomOutcome for counted in sums if getattr(Tally({outcome: 1}), counted)
    }


def test_the_settings_of_an_integration_with_calcom() -> None:
    listed = {words(field)[0]: default for field, default, _ in rows("calcom.md", "field")}
    fields = IntegrationBody.model_fields
    assert listed.keys() == fields.keys()
    assert {name: words(default)[0] for name, default in listed.items() if words(default)} == {
        name: str(field.default).lower() for name, field in fields.items() if field.default not in (None, ())
    }


def test_the_errors_of_calcom_sync() -> None:
    listed = {words(code)[0]: int(status) for status, code, _ in rows("calcom.md", "status")}
    assert {code: status for code, status in listed.items() if code.startswith("calcom")} == CALCOM_ERRORS
    assert listed.items() <= {**STATUSES, **CALCOM_ERRORS}.items()


def test_what_calcom_calls_statuses() -> None:
    told = {word for _, here in rows("calcom.md", "at Cal.com") for word in words(here)}
    assert set(CalcomStatus) <= told
    assert {RESCHEDULED, REJECTED, DELETED} <= told
    assert f"until {GRACE.seconds // 60} minutes after" in text("calcom.md")


def test_the_metrics_of_calcom_sync() -> None:
    assert calcom_sync.VERSION
    known = {f"{family.name}{'_total' if family.type == 'counter' else ''}" for family in REGISTRY.collect()}
    listed = {words(metric)[0] for metric, _, _ in rows("calcom.md", "metric")}
    assert listed == {name for name in known if name.startswith("slotwire_calcom")}


def test_the_settings_of_calcom_sync() -> None:
    listed = {words(name)[0]: default.strip("`") for name, default, _ in rows("calcom.md", "setting")}
    own = CalcomSettings.model_fields.keys() - ServiceSettings.model_fields.keys()
    assert listed.keys() == {f"SLOTWIRE_{name.upper()}" for name in own}
    for name in own:
        default = CalcomSettings.model_fields[name].default
        shown = json.dumps(list(default) if isinstance(default, tuple) else default).removesuffix(".0")
        assert (name, listed[f"SLOTWIRE_{name.upper()}"]) == (name, shown)


def test_compose_passes_on_what_can_be_set() -> None:
    passed = set(re.findall(r"^    (SLOTWIRE_CALCOM_\w+):", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE))
    assert passed == {words(name)[0] for name, _, _ in rows("calcom.md", "setting")}


def test_the_bounds_of_a_booking_of_calcom() -> None:
    told = text("calcom.md").replace("\n", " ")
    assert f"the first {TEXT_BYTES:,} bytes" in told
    assert f"may measure {EXTERNAL_METADATA_BYTES // 1024} KiB" in told
    assert f"says of it {SNAPSHOT_BYTES // 1024:,} KiB" in told
    assert f"more than {Bounds().links} reschedules" in told


def test_how_long_webhooks_are_kept() -> None:
    told = text("operating-webhooks.md").split("`SLOTWIRE_WEBHOOK_RETENTION_DAYS`", 1)[1].split("\n-", 1)[0]
    field = Settings.model_fields["webhook_retention_days"]
    least = [bound.ge for bound in field.metadata if hasattr(bound, "ge")]
    assert re.findall(r"\d+", told) == [str(field.default), *map(str, least)]
