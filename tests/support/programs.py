"""Small programs of a test's own, in a process that can be signalled and killed."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def running_program(source: str, *arguments: str, folder: Path) -> AsyncIterator[Process]:
    """Run Python source as a program for the block; its standard output can be read, and it is killed at the end."""
    program = folder / "program.py"
    program.write_text(source)
    process = await asyncio.create_subprocess_exec(sys.executable, str(program), *arguments, stdout=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
