"""Errors that a person can do something about: one line on the terminal and exit code 1, no traceback.

Owns the list of them. Invariant: what is not listed is a defect of ours and keeps its traceback.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import typer
from rich.console import Console

from chassis.identity import IdentityError
from devstack.bringing_up import UpError
from devstack.detached import DetachedError
from devstack.jars import FetchError
from devstack.server import ServerError
from devstack.stack import MissingStepError, NotSetError, RefusedError

EXPLAINED = (
    DetachedError,
    FetchError,
    IdentityError,
    MissingStepError,
    NotSetError,
    OSError,
    asyncpg.PostgresError,
    RefusedError,
    ServerError,
    UpError,
)


@contextmanager
def explained(console: Console) -> Iterator[None]:
    """Turn the errors that explain themselves into their message and exit code 1."""
    try:
        yield
    except EXPLAINED as error:
        console.print(f"slotwire: {error}", style="red", markup=False)
        raise typer.Exit(1) from None
