"""What the stack prints: steps, a summary, and every process's lines behind its coloured name.

Invariant: output that is no terminal (a log file, a pipe) carries no control codes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.text import Text

NAME_WIDTH = 20
COLOURS = ("cyan", "magenta", "green", "yellow", "blue")


class Screen:
    """The terminal, or the log file, of one supervisor."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._status: Status | None = None
        self._colours: dict[str, str] = {}

    def say(self, text: str) -> None:
        """Print one line, in rich's markup."""
        self._console.print(text)

    def line(self, name: str, text: str) -> None:
        """Print one line of the process `name`; the colours it chose itself are kept."""
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        self._console.print(Text(f"{name:<{NAME_WIDTH}}│ ", style=colour) + Text.from_ansi(text))

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Say what is being done, with a spinner on a terminal."""
        if not self._console.is_terminal:
            self.say(text)
            yield
            return
        with self._console.status(text) as self._status:
            yield
        self._status = None

    def fetching(self, file: str) -> None:
        """Say which file a first start is fetching."""
        text = f"Fetching Apache Kafka (about 44 MB, first start only): {escape(file)}"
        if self._status is not None:
            self._status.update(text)
        elif file.endswith(".jar"):
            self.say(text)
