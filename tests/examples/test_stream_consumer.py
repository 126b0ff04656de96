"""The example consumer keeps its board right, whatever the topics hold and whenever it is killed; and it stands on the
contracts alone."""

import ast
import asyncio
import json
import os
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chassis.kafka import ensure_topics
from slotwire_contracts import BOOKING_EVENTS, CATALOG, WAITLIST_EVENTS, CatalogEvent, Topic, encode
from stream_consumer.board import Board
from stream_consumer.handling import Taken, take
from support.catalog_events import a_catalog_event, a_resource
from support.reservations import a_reservation
from support.servers import Servers
from support.topics import write_topic
from support.waiting import eventually

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "stream-consumer"
SOURCES = FOLDER / "src"
OURS = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"])
TOPICS = (BOOKING_EVENTS, WAITLIST_EVENTS)


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield (node.module or "").partition(".")[0]


def test_it_imports_nothing_of_ours_but_the_contracts() -> None:
    found = {name for path in SOURCES.rglob("*.py") for name in imported(path)}
    assert "slotwire_contracts" in found
    assert found - sys.stdlib_module_names == {"slotwire_contracts", "aiokafka", "stream_consumer"}


def test_nothing_else_of_ours_is_loaded_when_it_runs() -> None:
    script = "import stream_consumer.__main__, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(SOURCES)}, capture_output=True, text=True, check=True
    )
    assert set(loaded.stdout.split()) & OURS == {"slotwire_contracts"}


def test_it_asks_for_the_contracts_and_a_client_of_kafka() -> None:
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]
    assert {re.split("[<>=]", each)[0] for each in project["dependencies"]} == {"slotwire-contracts", "aiokafka"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "board.db"


@pytest.fixture
def board(path: Path) -> Iterator[Board]:
    with Board(str(path)) as made:
        yield made


def shown(path: Path, table: str, org_id: str = "org_abc123") -> list[dict[str, Any]]:
    """What a table of the board has of an organization."""
    database = sqlite3.connect(path)
    database.row_factory = sqlite3.Row
    try:
        found = database.execute(f"SELECT * FROM {table} WHERE org_id = ? ORDER BY id", [org_id])
        return [dict(row) for row in found]
    finally:
        database.close()


@pytest.mark.parametrize("kind", [kind for kind, entry in CATALOG.items() if entry.topic in TOPICS])
def test_an_event_of_every_type_is_taken_once(board: Board, kind: str) -> None:
    event = a_catalog_event(kind)
    is_shown = CATALOG[kind].resource in {"reservation", "waitlist_entry"}
    about = f"{kind} {event.subject}"
    assert take(board, encode(event)) == (Taken.SHOWN if is_shown else Taken.ELSEWHERE, about)
    assert take(board, encode(event)) == (Taken.KNOWN, about)


def of_visit(kind: str, **fields: Any) -> CatalogEvent:
    return a_catalog_event(kind, resource=a_resource("reservation", **fields), id=f"evt_{secrets.token_hex(8)}")


def of_entry(kind: str, **fields: Any) -> CatalogEvent:
    return a_catalog_event(kind, resource=a_resource("waitlist_entry", **fields), id=f"evt_{secrets.token_hex(8)}")


def test_who_comes_is_shown_until_the_visit_is_over(board: Board, path: Path) -> None:
    take(board, encode(of_visit("reservation.created", status="PENDING")))
    take(board, encode(of_visit("reservation.assigned", status="CONFIRMED", table_ids=["tbl_1", "tbl_2"])))
    (visit,) = shown(path, "visits")
    assert (visit["guest"], visit["status"], visit["tables"]) == ("John Doe", "CONFIRMED", "tbl_1 tbl_2")
    take(board, encode(of_visit("reservation.completed", status="COMPLETED")))
    assert shown(path, "visits") == []


def test_who_waits_is_shown_with_the_offer(board: Board, path: Path) -> None:
    for kind, until in (
        ("joined", None),
        ("notified", "2024-01-02T12:45:00+00:00"),
        ("updated", "2024-01-02T12:45:00+00:00"),
        ("declined", None),
        ("notified", "2024-01-02T12:45:00+00:00"),
        ("offer_expired", None),
    ):
        take(board, encode(of_entry(f"waitlist_entry.{kind}")))
        assert [(entry["guest"], entry["offered_until"]) for entry in shown(path, "waiting")] == [("Jane", until)]
    take(board, encode(of_entry("waitlist_entry.converted", status="converted")))
    assert shown(path, "waiting") == []


def test_an_event_from_before_does_not_come_back(board: Board, path: Path) -> None:
    created, cancelled = of_visit("reservation.created"), of_visit("reservation.cancelled", status="CANCELLED")
    for event in (created, cancelled, created):
        take(board, encode(event))
    assert shown(path, "visits") == []


def newer(event: CatalogEvent, **attributes: Any) -> bytes:
    """The record of a producer that is newer than the consumer."""
    return json.dumps({**json.loads(encode(event)), **attributes}).encode()


@pytest.mark.parametrize(
    "attributes",
    [
        {"type": "reservation.teleported", "dataschema": "https://slotwire.dev/schemas/reservation.teleported/1"},
        {"type": "robot.hired", "data": [1, 2]},
        {"dataschema": "https://slotwire.dev/schemas/reservation.created/2", "data": {"resource": "another thing"}},
    ],
)
def test_what_is_newer_than_the_program_changes_nothing(board: Board, path: Path, attributes: dict[str, Any]) -> None:
    value = newer(of_visit("reservation.created"), **attributes)
    assert take(board, value)[0] is Taken.UNKNOWN
    assert take(board, value)[0] is Taken.KNOWN
    assert shown(path, "visits") == []


def test_keys_that_are_newer_than_the_program_are_passed_over(board: Board, path: Path) -> None:
    value = json.loads(encode(of_visit("reservation.created")))
    value["mood"] = value["data"]["resource"]["mood"] = "hungry"
    assert take(board, json.dumps(value).encode())[0] is Taken.SHOWN
    assert len(shown(path, "visits")) == 1


@pytest.mark.parametrize("value", [None, b"", b"poison", b"{}", b'{"specversion": "1.0"}'])
def test_what_is_no_event_is_left(board: Board, value: bytes | None) -> None:
    assert take(board, value)[0] is Taken.NO_EVENT


def test_an_event_that_was_cut_off_has_done_nothing_and_comes_again(board: Board, path: Path) -> None:
    event = of_visit("reservation.created")
    with pytest.raises(RuntimeError), board.once(event.id):
        board.show_visit("org_abc123", a_reservation())
        raise RuntimeError("cut off")
    assert shown(path, "visits") == []
    assert take(board, encode(event))[0] is Taken.SHOWN


class Program:
    """The example as somebody starts it; each start is another process."""

    def __init__(self, servers: Servers, board: Path, output: Path) -> None:
        self._arguments = [str(board), "--group", f"board-{secrets.token_hex(4)}"]
        self._env = {
            **os.environ,
            "PYTHONPATH": str(SOURCES),
            "SLOTWIRE_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
        }
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "stream_consumer", *self._arguments],
                env=self._env,
                stdout=output,
                stderr=output,
            )

    def end(self, by: signal.Signals) -> int:
        """End it, if it still runs; its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(by)
        return self._process.wait()

    @property
    def told(self) -> str:
        return self._output.read_text()


async def write(servers: Servers, events: list[CatalogEvent], *others: bytes) -> None:
    """Write events to their topics, and other values to that of bookings, under the first event's key."""
    records: dict[Topic, list[tuple[bytes, bytes]]] = {topic: [] for topic in TOPICS}
    for event in events:
        records[CATALOG[event.type].topic].append((event.subject.encode(), encode(event)))
    records[BOOKING_EVENTS] += [(events[0].subject.encode(), value) for value in others]
    for topic in TOPICS:
        await write_topic(servers.kafka_bootstrap, topic.name, records[topic])


async def test_killed_and_told_again_it_shows_what_is_so(servers: Servers, path: Path, tmp_path: Path) -> None:
    await ensure_topics(servers.kafka_bootstrap, TOPICS)
    run = secrets.token_hex(4)
    org_id = f"org_{run}"

    def about(kind: str, number: int, **fields: Any) -> CatalogEvent:
        resource = CATALOG[kind].resource
        known = a_resource(resource, id=f"{resource}_{run}_{number:03}", **fields)
        return a_catalog_event(kind, resource=known, id=f"evt_{run}_{kind}_{number}", orgid=org_id)

    came = [about("reservation.created", number, attendee_name=f"Guest {number}") for number in range(40)]
    left = [about("reservation.cancelled", number, status="CANCELLED") for number in range(0, 40, 2)]
    joined = [about("waitlist_entry.joined", number) for number in range(20)]
    asked = [about("waitlist_entry.notified", number) for number in range(0, 20, 5)]
    newest = newer(about("reservation.created", 99), type="reservation.teleported", id=f"evt_{run}_newest")
    last = about("reservation.created", 100, attendee_name="The last")

    async def tells(what: Taken, *events: CatalogEvent) -> bool:
        return set(program.told.splitlines()) >= {f"{what}: {event.type} {event.subject}" for event in events}

    async def tells_what_it_leaves() -> bool:
        return f"{Taken.UNKNOWN}: reservation.teleported" in program.told and f"{Taken.NO_EVENT}: " in program.told

    program = Program(servers, path, tmp_path / "output")
    try:
        await asyncio.to_thread(program.start)
        await write(servers, [*came[:20], *joined[:10]], b"poison", newest)
        await eventually(lambda: tells(Taken.SHOWN, came[0]))
        await asyncio.to_thread(program.end, signal.SIGKILL)
        await write(servers, [*came[10:], *left, *joined[5:], *asked])
        await asyncio.to_thread(program.start)
        await write(
            servers, [*came, *joined, last], b"poison", newest
        )  # as after a crash of the relay: known ids come again, late
        await eventually(lambda: tells(Taken.SHOWN, last, *left, *asked))
        await eventually(lambda: tells(Taken.KNOWN, *came, *joined))
        await eventually(tells_what_it_leaves)
        assert await asyncio.to_thread(program.end, signal.SIGTERM) == 0, program.told
    finally:
        await asyncio.to_thread(program.end, signal.SIGKILL)

    visits = [visit["guest"] for visit in shown(path, "visits", org_id)]
    assert visits == [f"Guest {number}" for number in range(1, 40, 2)] + ["The last"]
    assert [bool(entry["offered_until"]) for entry in shown(path, "waiting", org_id)] == [
        number % 5 == 0 for number in range(20)
    ]
    told_as_new = re.findall(rf"^{Taken.SHOWN}: \S+ \S*{run}\S*$", program.told, re.MULTILINE)
    assert len(told_as_new) == len(set(told_as_new))
