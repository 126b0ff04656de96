"""The agent: hands one record after the other over.

Invariant: each comes to its end, which is to be taken or to be a dead letter, before it is done with.
"""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable
from typing import Any

import faust
import structlog
from faust.exceptions import PartitionsMismatch

from chassis.backoff import Backoff
from chassis.consumer import DeadLetter, PoisonError
from chassis.kafka import Record
from chassis.postgres import TRANSIENT, UNSTORABLE
from chassis.streaming.consuming import Consumer
from slotwire_contracts import Topic, dead_letters

_log = structlog.get_logger(__name__)
_BACKOFF = Backoff()

_NOT_YET = (*TRANSIENT, PartitionsMismatch)
"""What is no fault of a record: a database is away, or a changelog was made just now and is not known here yet."""


class Agent:
    """The one agent of an app."""

    def __init__(self, app: faust.App, topic: Topic, take: Callable[[Record], Awaitable[None]]) -> None:
        self._app = app
        self._source = topic.name
        self._aside = dead_letters(topic).name
        self._take = take

    def enter(self, name: str) -> None:
        """Become the app's agent."""
        source = self._app.topic(self._source, key_serializer="raw", value_serializer="raw", allow_empty=True)
        self._app.agent(source, name=name)(self._live)

    async def _live(self, stream: Any) -> None:
        try:
            await self._follow(stream.noack())  # by itself faust takes a record for done even if taking it failed
        except Exception as error:
            await self._app.crash(error)  # run again, it begins behind the last record that was done with
            raise

    async def _follow(self, stream: Any) -> None:
        consumer: Consumer = self._app.consumer  # type: ignore[assignment]  # every app here has this one
        async for event in stream.events():
            record = _record(event)
            reason = await self._handle(record, functools.partial(consumer.is_next, event.message))
            if reason is not None:
                await self._bury(DeadLetter(record, reason))
            await stream.ack(event)
            await asyncio.sleep(0)  # a long backlog leaves room for others

    async def _handle(self, record: Record, is_next: Callable[[], bool]) -> str | None:
        """Have a record taken, waiting for the database as long as it takes; answer why it cannot be, if so."""
        failures = 0
        while is_next():
            try:
                await self._take(record)
            except PoisonError as error:
                return str(error)
            except UNSTORABLE as error:
                return _reason(error)
            except _NOT_YET as error:
                failures += 1
                _log.warning("record_waits", topic=record.topic, error=repr(error), failures=failures)
                await asyncio.sleep(_BACKOFF.delay(failures, random.random()))  # noqa: S311 - jitter, not a secret
            except Exception as error:  # noqa: BLE001 - whatever a record provokes, it must not stop its partition
                return _reason(error)
            else:
                break
        return None

    async def _bury(self, letter: DeadLetter) -> None:
        record = letter.record
        headers = dict(letter.headers(self._app.conf.id))
        sent = await self._app.send(self._aside, key=record.key, value=record.value, headers=headers)
        await sent  # the record is done with only when it is there
        letter.tell()


def _record(event: Any) -> Record:
    message = event.message
    at = round((message.timestamp or 0) * 1000)
    headers = tuple(dict(message.headers or ()).items())
    return Record(message.topic, message.partition, message.offset, at, event.key, event.value or b"", headers)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
