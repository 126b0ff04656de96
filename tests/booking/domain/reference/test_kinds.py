"""The kinds: what each is called, what it names, and who reaches it."""

from booking.domain.actors import Actor
from booking.domain.reference import CLIENTS, EVENT_TYPES, LOCATIONS, SCHEDULES, SECTIONS, SERVICES, TABLES

KINDS = (LOCATIONS, SECTIONS, TABLES, SCHEDULES, EVENT_TYPES, CLIENTS, SERVICES)


def test_kinds_are_called_by_their_names_and_name_each_other() -> None:
    assert [kind.noun for kind in KINDS] == [
        "location",
        "section",
        "table",
        "schedule",
        "event type",
        "client",
        "service",
    ]
    assert TABLES.references == {"location_id": LOCATIONS, "section_id": SECTIONS}
    assert EVENT_TYPES.references == {"schedule_id": SCHEDULES}
    assert SERVICES.references == {"location_id": LOCATIONS}


def test_every_reference_is_a_field_and_every_prefix_is_one_kinds() -> None:
    assert all(field in kind.entity.__dataclass_fields__ for kind in KINDS for field in kind.references)
    assert len({kind.prefix for kind in KINDS}) == len(KINDS)


def test_a_client_reaches_itself_alone_among_clients() -> None:
    staff, client = Actor("org_1", "staff"), Actor("org_1", "client", "cli_1")
    assert [kind.only(client) for kind in KINDS] == [None, None, None, None, None, "cli_1", None]
    assert [kind.only(staff) for kind in KINDS] == [None] * len(KINDS)


def test_what_stays_while_it_is_used_is_a_field() -> None:
    assert [kind for kind in KINDS if kind.kept_in_use] == [SERVICES]
    assert all(name in kind.entity.__dataclass_fields__ for kind in KINDS for name in kind.kept_in_use)


def test_locations_and_tables_are_told_of() -> None:
    assert [kind for kind in KINDS if kind.emits] == [LOCATIONS, TABLES]
