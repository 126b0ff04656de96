"""What `slotwire listen` shows of a delivery is what came."""

import io
from typing import Any

import pytest
from rich.console import Console

from devstack.listen import panel
from devstack.receiver import Arrival


def shown(payload: dict[str, Any], problem: str | None) -> str:
    """A delivery as a terminal shows it."""
    console = Console(file=io.StringIO(), width=120)
    console.print(panel(Arrival("msg_1", payload, problem)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("problem", "verdict"), [(None, "signature verified"), ("[/x] is no signature", "refused: [/x] is no signature")]
)
def test_brackets_in_a_delivery_are_no_markup(problem: str | None, verdict: str) -> None:
    told = shown({"event": "[/event]", "resourceId": "[near window]", "data": {"title": "[/sorry]"}}, problem)
    assert all(word in told for word in ("[/event] [near window]", "[/sorry]", f"msg_1 · {verdict}"))


def test_a_delivery_of_any_shape_is_shown() -> None:
    assert "msg_1 · signature verified" in shown({}, None)
    assert "['a'] None" in shown({"event": ["a"], "resourceId": None, "data": [1]}, None)
