"""A page run as a reader would run it, block after block.

Invariant: nothing that the page shows as run is passed over in silence: what is left out is told.
"""

import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from docs.page import Commands, File, NotRun, Output, PageError, Part
from docs.shape import MismatchError, Shape, laid_out
from docs.terminal import PATIENCE, Standing, Terminal

_ASK_AGAIN_SECONDS = 1.0
_ONLY_READS = re.compile(r'curl "[^\n]*(?:\\\n  -H [^\n]*)*')


@dataclass
class Run:
    """One page's run.

    Attributes:
        folder: where its terminals stand.
        env: what its terminals find in the environment.
        terminal: the page's own terminal.
        scratch: where the other terminals' outputs are kept.
        names: what the page's ids, keys and ports are called in this run; commands and files are typed with these.
        left_out: the programs that this machine lacks, so that their blocks were left out.
    """

    folder: Path
    env: Mapping[str, str]
    terminal: Terminal
    scratch: Path
    names: dict[str, str]
    left_out: set[str] = field(default_factory=set)
    _typed: str = ""
    _printed: str | None = None
    _standing: dict[str, Standing] = field(default_factory=dict)

    def play(self, part: Part) -> None:
        """Let a block play its part.

        Raises:
            CommandError: a command failed, or printed too late.
            MismatchError: it printed something else than the page shows.
            PageError: an output without a command.
        """
        if part.needs is not None and shutil.which(part.needs) is None:
            self.left_out.add(part.needs)
            return
        try:
            self._play(part)
        except AssertionError as error:
            error.add_note(f"at {part.place}")
            raise

    def end(self) -> None:
        """End what still stands in other terminals."""
        for standing in self._standing.values():
            standing.interrupt()

    def _play(self, part: Part) -> None:
        match part:
            case Commands():
                self._type(part)
            case Output():
                self.names = self._compare(part)
            case File():
                (self.folder / part.name).write_text(self._in_this_run(part.text))
            case NotRun():
                pass
            case _:
                assert_never(part)

    def _type(self, commands: Commands) -> None:
        text, name = self._in_this_run(commands.text), commands.terminal
        if name is None:
            self._typed, self._printed = text, self.terminal.run(text)
            return
        if name in self._standing:
            self._standing[name].interrupt()
        self._standing[name] = Standing(text, self.folder, self.env, self.scratch / name)

    def _compare(self, output: Output) -> dict[str, str]:
        shape = Shape(output.text, self.names)
        if output.terminal is not None:
            return self._standing[output.terminal].wait_for(shape)
        if self._printed is None:
            raise PageError(f"{output.place}: an output without a command before it")
        printed, self._printed = self._printed, None
        return self._whole(shape, output, printed)

    def _whole(self, shape: Shape, output: Output, printed: str) -> dict[str, str]:
        """Compare all that was printed; what was only read is read again for a while, as one does who waits for it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return shape.whole(laid_out(printed) if output.language == "json" else printed)
            except MismatchError:
                if not _ONLY_READS.fullmatch(self._typed.rstrip()) or time.monotonic() > deadline:
                    raise
            time.sleep(_ASK_AGAIN_SECONDS)
            printed = self.terminal.run(self._typed)

    def _in_this_run(self, text: str) -> str:
        if not self.names:
            return text
        return re.sub("|".join(map(re.escape, self.names)), lambda name: self.names[name[0]], text)
