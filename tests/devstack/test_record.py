"""A recorded process is found again only if it is really that one."""

import json
import os
import subprocess
from pathlib import Path

from devstack.record import identified_process, identity_of, read_json, recorded_process, write_record


def test_a_running_process_is_found(tmp_path: Path) -> None:
    record = tmp_path / "record"
    write_record(record, os.getpid(), ready=True)
    found = recorded_process(record)
    assert found is not None
    assert found.pid == os.getpid()
    assert read_json(record)["ready"] is True
    assert record.stat().st_mode & 0o777 == 0o600


def test_an_ended_process_is_not(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with subprocess.Popen(["/bin/sleep", "600"]) as process:
        try:
            write_record(record, process.pid)
            identity = identity_of(process.pid)
            assert identity is not None
            assert recorded_process(record) == identified_process(identity) is not None
        finally:
            process.kill()
    assert recorded_process(record) is None
    assert identified_process(identity) is None
    assert identity_of(process.pid) is None


def test_a_later_process_of_the_same_number_is_not(tmp_path: Path) -> None:
    record = tmp_path / "record"
    write_record(record, os.getpid())
    earlier = read_json(record)
    record.write_text(json.dumps({**earlier, "started": earlier["started"] - 3600}))
    assert recorded_process(record) is None
    record.write_text(json.dumps({**earlier, "command": ["postgres"]}))
    assert recorded_process(record) is None


def test_a_broken_record_is_none(tmp_path: Path) -> None:
    record = tmp_path / "record"
    record.write_text('{"pid": ')
    assert recorded_process(record) is None
    assert recorded_process(tmp_path / "absent") is None
