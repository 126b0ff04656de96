"""A right run: no check finds anything, and each has looked at something."""

from chaos.checks import findings
from support.small_story import a_small_story


def test_nothing_is_found_in_a_right_run_and_everything_is_looked_at() -> None:
    found = findings(a_small_story().evidence())
    assert [one.invariant for one in found] == [f"I{number}" for number in range(1, 13)]
    assert [breach for one in found for breach in one.breaches] == []
    assert all(one.looked_at for one in found)
