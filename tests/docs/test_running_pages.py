"""The runner of pages can fail: each way in which a page could be wrong is noticed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.conftest import reader_environment
from docs.page import NotRun, PageError, blocks
from docs.run import Run
from docs.shape import MismatchError, Shape
from docs.terminal import CommandError, Terminal

BOOKING = "bk_01m7yjfnn6e44v03q5cvqg22dx"
OTHER = "bk_01m7yjfnn6e44v03q5cvqg22dy"
THIRD = "bk_01m7yjfnn6e44v03q5cvqg22dz"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    env = reader_environment()
    with Terminal(tmp_path, env) as terminal:
        made = Run(tmp_path, env, terminal, tmp_path, {})
        yield made
        made.end()


def play(run: Run, markdown: str) -> None:
    page = run.folder / "page.md"
    page.write_text(markdown)
    for block in blocks(page):
        run.play(block)


def fence(info: str, text: str) -> str:
    return f"```{info}\n{text}\n```\n"


def test_what_a_page_shows_is_compared(run: Run) -> None:
    play(run, fence("sh", "echo one; echo two") + fence("text", "one\ntwo"))
    with pytest.raises(MismatchError, match="three"):
        play(run, fence("sh", "echo one; echo three") + fence("text", "one\ntwo"))
    with pytest.raises(MismatchError, match="three"):
        play(run, fence("sh", "echo one; echo two; echo three") + fence("text", "one\ntwo"))


def test_what_was_only_read_is_read_again_until_it_is_as_shown(run: Run) -> None:
    play(run, fence("sh", "echo waiting > state\n(sleep 1.2; echo done > state) > /dev/null 2>&1 &"))
    play(run, fence("sh", 'curl "file://$PWD/state"') + fence("text", "done"))


def test_json_is_compared_as_laid_out_with_the_order_of_its_keys(run: Run) -> None:
    shown = fence("json", '{\n  "a": 1,\n  …\n  "c": 3\n}')
    play(run, fence("sh", """echo '{"a": 1, "b": 2, "c": 3}'""") + shown)
    for printed in ('{"b": 2, "c": 3}', '{"c": 3, "a": 1}', "no json"):
        with pytest.raises(MismatchError):
            play(run, fence("sh", f"echo '{printed}'") + shown)


def test_a_failing_command_fails_the_page(run: Run) -> None:
    with pytest.raises(CommandError, match="no such option"):
        play(run, fence("sh", "echo 'no such option' >&2; false; echo after"))


def test_a_name_of_the_page_is_typed_as_it_is_called_in_this_run(run: Run) -> None:
    play(run, fence("sh", f"echo made {BOOKING}") + fence("text", f"made {OTHER}"))
    play(run, fence("sh", f"ID={OTHER}") + fence("sh", "echo $ID") + fence("text", OTHER))
    assert run.names == {OTHER: BOOKING}


def test_a_name_stands_for_one_thing(run: Run) -> None:
    with pytest.raises(MismatchError, match="one thing"):
        Shape(f"{BOOKING} {BOOKING}").whole(f"{BOOKING} {OTHER}")
    play(run, fence("sh", f"echo {BOOKING}") + fence("text", OTHER))
    with pytest.raises(MismatchError):
        play(run, fence("sh", f"echo {THIRD}") + fence("text", OTHER))


def test_only_what_changes_from_run_to_run_may_differ() -> None:
    shape = Shape("at 2026-11-21T08:10:08Z in 12 ms")
    shape.whole("at 2027-01-01T00:00:00Z in 3 ms")
    for printed in ("at 2026-11-21T08:10:08+00:00Z in 12 ms", "at 2030-06-03T10:00:00Z in 12 ms", "at never in 12 ms"):
        with pytest.raises(MismatchError):
            shape.whole(printed)
    with pytest.raises(MismatchError):
        Shape("2030-06-03T10:00:00Z").whole("2030-06-03T11:00:00Z")


def test_another_terminal_stays_until_the_next_block(run: Run) -> None:
    waits = "trap 'echo ended; exit' INT; echo started; while :; do sleep 0.05; done"
    play(run, fence("sh terminal=a", waits) + fence("text terminal=a", "started"))
    play(run, fence("sh terminal=a", "echo next") + fence("text terminal=a", "next"))
    with pytest.raises(KeyError):
        play(run, fence("text terminal=b", "next"))


def test_a_file_is_there_for_the_next_command(run: Run) -> None:
    play(run, fence("python file=hello.py", "print('hello')") + fence("sh", "cat hello.py"))
    assert (run.folder / "hello.py").read_text() == "print('hello')\n"


def test_what_this_machine_lacks_is_told(run: Run) -> None:
    play(run, fence("sh needs=no-such-program", "no-such-program"))
    assert run.left_out == {"no-such-program"}


def test_every_block_plays_a_part(run: Run) -> None:
    for info in ("", "python", "sh twice", "sh when=later"):
        with pytest.raises(PageError):
            play(run, fence(info, "x"))
    with pytest.raises(PageError, match="start of a line"):
        play(run, "1. In a list:\n\n   ```sh\n   x\n   ```\n")
    with pytest.raises(PageError, match="without a command"):
        play(run, fence("text", "x"))
    play(run, fence("text not run: a picture", "x"))
    page = run.folder / "page.md"
    assert [block for block in blocks(page) if isinstance(block, NotRun)]
