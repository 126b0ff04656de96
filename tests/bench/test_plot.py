"""A run's files are written when all its parts are there: what took half an hour must not be lost at its end."""

import json
from pathlib import Path
from typing import Any

from bench.load import Cost, Load
from bench.measures import (
    api,
    availability,
    backlog,
    calcom,
    delivering,
    journey,
    lists,
    neighbours,
    processes,
    waitlist,
)
from bench.measures.draining import Drain
from bench.parts import PARTS
from bench.plan import WHOLE
from bench.report import BARS, write
from bench.results import Results
from bench.rounds import Comparison, Round

NAMES = ("postgres", "kafka", "booking", "webhook_dispatcher")
COST = Cost(dict.fromkeys(NAMES, 0.5), dict.fromkeys(NAMES, 100.0))
LOADS = (*(Load(rate, rate, (2.0, 3.0, 9.0), COST) for rate in (100.0, 200.0)), Load(None, 900.0, (), COST))
COMPARED = Comparison((Round(60.0, 100.0),))
TURNS = delivering.Turns((Drain(600.0, COST),), (1_000.0,))
SIDE = neighbours.Side((2.0, 4.0), (1_000.0,))
QUEUE = waitlist.Size(100, 0, (10.0,), (40.0,))
TIMED = lists.Timed(20, (3.0, 4.0))
SYNC = calcom.Sync(9.0, 2, {"fetched": 600, "synced": 590, "skipped": 10, "failed": 0}, 120.0)

MEASURED: dict[str, Any] = {
    "relay": COMPARED,
    "api": api.Measured(COMPARED, 0.1),
    "api_full": api.Measured(COMPARED, 0.1),
    "api_load": {"api_load": LOADS},
    "relay_load": {"relay_load": LOADS[:2]},
    "deliveries": delivering.Measured(TURNS, TURNS, TURNS.drains[0]),
    "dispatch": {f"dispatch_{number}": LOADS for number in range(6)},
    "processes": processes.Measured((LOADS[2], LOADS[2]), (LOADS[2], LOADS[2])),
    "neighbours": neighbours.Measured(SIDE, SIDE),
    "backlog": backlog.Measured(tuple(backlog.Size(size, 20, 5.0, 4_000.0, 120.0) for size in WHOLE.backlog_sizes)),
    "journey": journey.Measured(journey.Latencies((2.0, 3.0), (4.0, 5.0)), LOADS, LOADS[1]),
    "availability": availability.Measured(tuple(availability.Size(size, 900, (10.0,)) for size in availability.SIZES)),
    "lists": lists.Measured(
        tuple(lists.Size(size, 1.0, {"one": TIMED}, {"all": TIMED}, {"since": TIMED}) for size in WHOLE.list_sizes),
        {"one": ("Index Scan",)},
    ),
    "waitlist": waitlist.Measured((900.0,), (QUEUE,), QUEUE),
    "waitlist_load": {"waitlist_load": LOADS},
    "calcom": calcom.Measured(80.0, dict.fromkeys(("first", "second", "reconcile", "incremental"), SYNC)),
}


def test_all_parts_are_written_and_drawn(tmp_path: Path) -> None:
    assert MEASURED.keys() == PARTS.keys()
    told = write(Results(WHOLE, {"Memory": "1 GiB"}, MEASURED, 1_600.0), tmp_path)
    figures = json.loads((tmp_path / "latest.json").read_text())["figures"]
    assert {bar.figure for bar in BARS} <= figures.keys()
    assert all(f"| `{name}` |" in told for name in figures)
    drawn = (tmp_path / "latest.svg").read_text()
    assert all(
        f"<!-- {title} -->" in drawn for title in ("Bookings posted, due to answer", "Growth with processes, saturated")
    )
    assert "<!-- dispatch_5, 900/s saturated -->" in drawn
    assert len(list(tmp_path.iterdir())) == 6
