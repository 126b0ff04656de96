"""What the stack prints of foreign words is shown as it is."""

import pytest

from devstack.screen import Screen


def test_brackets_in_foreign_words_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.fetching("[/x].jar")
    screen.line("booking", "said [/x]")
    fetched, said = capsys.readouterr().out.splitlines()
    assert fetched.endswith(": [/x].jar")
    assert said.endswith("│ said [/x]")
