"""What a running stack tells of itself is shown as it is, wherever it lies."""

import io
from pathlib import Path

from rich.console import Console

from devstack.folder import Folder
from devstack.summary import Running, summary
from devstack.tenant import Tenant

TENANT = Tenant("org_1", "wk_test_1", "sch_1", "evt_1")


def test_brackets_in_paths_and_addresses_are_no_markup() -> None:
    running = Running(
        "http://127.0.0.1:8080",
        TENANT,
        "postgresql://u:p@[fe80::1]:5432/postgres",
        "[fe80::1]:9092",
        {"booking": ""},
        Path("/srv/postgres/bin"),
    )
    console = Console(file=io.StringIO(), highlight=False, soft_wrap=True)
    console.print(summary(running, Folder(Path("/srv/[/x]/.slotwire"))))
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert "[fe80::1]:9092" in told
    assert ". /srv/[/x]/.slotwire/env" in told
