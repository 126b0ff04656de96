"""Migrations add: while one is applied and after it, the version before it goes on working.

So services can be replaced one after another, and back (docs/operating.md). Every file is read by squawk, which knows
PostgreSQL's grammar and what is new in a file; what is new may be anything. An index on a table that was there before
stops writes while it is built, which is told of with a release, and is no finding here unless it is unique.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.manifests import ROOT

SQUAWK = str(Path(sys.executable).with_name("squawk"))
MIGRATIONS = sorted(ROOT.glob("libs/*/src/**/migrations/*.sql")) + sorted(
    ROOT.glob("services/*/src/**/migrations/*.sql")
)
INDEX = "require-concurrent-index-creation"
MATTERS_OF_TASTE = (
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "require-lock-timeout",  # a migration that waits for a lock waits for the transactions of one request
    "require-statement-timeout",
)

NEW_COLUMNS = "it is about columns that are new here: the version before leaves them out, and that fulfils it"
WIDER = "it takes the place of one that refused more"
OTHER_INDEX = "another index takes its place in the same file; what needed it is slower for a moment at worst"
NO_RELEASE = "written before the first release, when nothing ran that it could stop"

EXCEPTIONS = {
    "booking/0003_history_in_order.sql": {"changing-column-type": NO_RELEASE},
    "booking/0004_reference_data.sql": {"adding-foreign-key-constraint": NEW_COLUMNS},
    "booking/0006_holds.sql": {"ban-drop-not-null": NO_RELEASE, "constraint-missing-not-valid": NEW_COLUMNS},
    "booking/0007_bookings_complete.sql": {
        "ban-drop-constraint": WIDER,
        "constraint-missing-not-valid": WIDER,
        INDEX: NEW_COLUMNS,
    },
    "booking/0008_flat_lists.sql": {"require-concurrent-index-deletion": OTHER_INDEX},
    "booking/0011_one_booking_of_an_entry.sql": {INDEX: NO_RELEASE},
    "booking/0012_external_bookings.sql": {"constraint-missing-not-valid": NEW_COLUMNS},
    "calcom_sync/0004_webhooks.sql": {"constraint-missing-not-valid": NEW_COLUMNS, INDEX: NO_RELEASE},
    "calcom_sync/0009_whole.sql": {"constraint-missing-not-valid": NEW_COLUMNS},
    "calcom_sync/0010_keys.sql": {"constraint-missing-not-valid": NEW_COLUMNS, INDEX: NEW_COLUMNS},
    "calcom_sync/0011_untaken.sql": {"constraint-missing-not-valid": NEW_COLUMNS},
    "waitlist/0007_who_and_whence.sql": {"constraint-missing-not-valid": NEW_COLUMNS},
    "webhook_dispatcher/0002_daily_partitions.sql": {
        "renaming-table": NO_RELEASE,
        "renaming-object": NO_RELEASE,
        "ban-drop-table": NO_RELEASE,
    },
    "webhook_dispatcher/0005_health.sql": {
        "adding-not-nullable-field": NO_RELEASE,
        "ban-drop-constraint": WIDER,
        "constraint-missing-not-valid": WIDER,
    },
    "webhook_dispatcher/0007_ordering.sql": {
        "constraint-missing-not-valid": NEW_COLUMNS,
        "require-concurrent-index-deletion": OTHER_INDEX,
    },
    "webhook_dispatcher/0008_bounds.sql": {
        "ban-drop-constraint": WIDER,
        "ban-drop-not-null": NO_RELEASE,
        "constraint-missing-not-valid": NO_RELEASE,
        "require-concurrent-index-deletion": OTHER_INDEX,
    },
}
"""What is in migrations that were applied already, and why it may stay. Nothing is to be added here after a release."""


def findings(*files: Path) -> Iterator[tuple[Path, str]]:
    """What squawk finds in files, by rule."""
    command = [SQUAWK, "--pg-version=18", "--assume-in-transaction", "--reporter=json"]
    command += [f"--exclude={','.join(MATTERS_OF_TASTE)}", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for one in json.loads(done.stdout):
        file = Path(one["file"])
        statement = file.read_text().splitlines()[one["line"]]
        if one["rule_name"] != INDEX or "UNIQUE" in statement.upper():
            yield file, one["rule_name"]


def name(file: Path) -> str:
    """A migration by its package and its file."""
    return f"{file.parents[1].name}/{file.name}"


def test_every_migration_adds() -> None:
    assert len(MIGRATIONS) > 40
    found: dict[str, set[str]] = {}
    for file, rule in findings(*MIGRATIONS):
        found.setdefault(name(file), set()).add(rule)
    assert found == {file: set(rules) for file, rules in EXCEPTIONS.items()}


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE old",
        "DROP VIEW old",
        "DROP FUNCTION old()",
        "DROP INDEX old",
        "TRUNCATE old CASCADE",
        "ALTER TABLE old DROP COLUMN a",
        "ALTER TABLE old DROP CONSTRAINT a",
        "ALTER TABLE old RENAME TO new",
        "ALTER TABLE old RENAME COLUMN a TO b",
        "ALTER TABLE old ALTER COLUMN a TYPE bigint",
        "ALTER TABLE old ALTER COLUMN a SET NOT NULL",
        "ALTER TABLE old ALTER COLUMN a DROP NOT NULL",
        "ALTER TABLE old ALTER COLUMN a DROP DEFAULT",
        "ALTER TABLE old ADD COLUMN a text NOT NULL",
        "ALTER TABLE old ADD CHECK (a > 0)",
        "ALTER TABLE old ADD UNIQUE (a)",
        "ALTER TABLE old ADD FOREIGN KEY (a) REFERENCES other",
        "CREATE UNIQUE INDEX one ON old (a)",
        "ALTER TYPE old RENAME VALUE 'a' TO 'b'",
    ],
)
def test_what_would_stop_the_version_before_is_found(statement: str, tmp_path: Path) -> None:
    file = tmp_path / "0001_bad.sql"
    file.write_text(f"CREATE TABLE new (a integer NOT NULL UNIQUE CHECK (a > 0));\n{statement};\n")
    assert {found for found, _ in findings(file)} == {file}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE new (a integer NOT NULL UNIQUE CHECK (a > 0))",
        "CREATE TABLE new (a integer); CREATE UNIQUE INDEX one ON new (a)",
        "CREATE INDEX one ON old (a)",
        "ALTER TABLE old ADD COLUMN a text",
        "ALTER TABLE old ADD COLUMN a integer NOT NULL DEFAULT 0 CHECK (a >= 0)",
        "ALTER TABLE old ADD CONSTRAINT positive CHECK (a > 0) NOT VALID",
    ],
)
def test_what_adds_is_let_through(statement: str, tmp_path: Path) -> None:
    file = tmp_path / "0001_good.sql"
    file.write_text(f"{statement};\n")
    assert list(findings(file)) == []
