"""The stream of attempts: what each endpoint's attempts add up to, in tables that Kafka keeps.

Two tables, each with its changelog: tallies in windows of a minute, and how each endpoint stands. Members of the group
share the partitions; one that takes a partition over, or comes back with nothing, rebuilds both tables from their
changelogs before it counts on, so nothing of them is kept here. What they say is written to PostgreSQL within a second
or so, and all of it again after a rebuild: there any instance can show it, whichever counts.

Invariant: a record is counted once, however often it comes: with each value stands the position of the record that was
counted last.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import groupby, islice
from operator import attrgetter
from typing import TypeAlias, TypeVar

import faust
import structlog
from pydantic import TypeAdapter

from chassis.apart import at_home
from chassis.clock import Clock
from chassis.consumer import PoisonError
from chassis.kafka import Record
from chassis.lifecycle import Stop
from chassis.postgres import TRANSIENT
from chassis.streaming import Member, Part
from slotwire_contracts import WEBHOOK_ATTEMPTS, DecodeError, Topic, WebhookAttempts, decode_attempts
from webhook_dispatcher.domain.health import MINUTES, Result, Standing, Tally, minute_of, results
from webhook_dispatcher.service.health import EndpointHealth
from webhook_dispatcher.store.health import CountedMinute, CountedStanding

_log = structlog.get_logger(__name__)
GROUP = "webhook-health"
_LOOK_SECONDS = 1.0
_ROWS_AT_ONCE = 500
_KEPT_MINUTES = MINUTES + 5
_HOUR_MS = 3_600_000
# What a rebuild reads of each key is one record, and all of the last segment, which Kafka does not compact.
_SEGMENT = {"segment.ms": str(_HOUR_MS // 6)}
_MINUTES_CHANGELOG = {**_SEGMENT, "retention.ms": str(2 * _HOUR_MS)}
_STANDINGS_CHANGELOG = {**_SEGMENT, "cleanup.policy": "compact,delete", "retention.ms": str(60 * 24 * _HOUR_MS)}

_MINUTE: TypeAdapter[CountedMinute] = TypeAdapter(CountedMinute)
_STANDING: TypeAdapter[CountedStanding] = TypeAdapter(CountedStanding)
Keep: TypeAlias = Callable[[Sequence[CountedMinute], Sequence[CountedStanding]], Awaitable[None]]
K = TypeVar("K")
V = TypeVar("V")


class HealthStream:
    """A member of the group that counts attempts.

    Args:
        bootstrap: the brokers.
        health: where what was counted is written, and acted upon.
        clock: tells which minutes are past.
        topic: the attempts.
        group: the consumer group; the changelogs' names begin with it.
    """

    def __init__(
        self,
        bootstrap: str,
        health: EndpointHealth,
        clock: Clock,
        *,
        topic: Topic = WEBHOOK_ATTEMPTS,
        group: str = GROUP,
    ) -> None:
        self._bootstrap = bootstrap
        self._health = health
        self._clock = clock
        self._topic = topic
        self._group = group

    async def run(self, stop: Stop) -> None:
        """Count until asked to stop.

        Raises:
            Exception: whatever ended the app; run it again.
        """
        keep = at_home(self._health.keep)
        member = Member(self._bootstrap, self._topic, self._group)
        await member.run(lambda app: _Counts(app, self._topic, keep, self._clock).part, stop, name="health")


class _Counts:
    """The tables of one run of the app, and what of them is not yet written to PostgreSQL."""

    def __init__(self, app: faust.App, topic: Topic, keep: Keep, clock: Clock) -> None:
        self._keep = keep
        self._clock = clock
        self._window = faust.TumblingWindow(60.0)
        self._minute_table = app.Table(
            "minutes",
            value_type=bytes,
            partitions=topic.partitions,
            extra_topic_configs=_MINUTES_CHANGELOG,
            on_recover=self._rebuilt,
        )
        self._windows = self._minute_table.using_window(self._window)
        self._standing_table = app.Table(
            "standings", value_type=bytes, partitions=topic.partitions, extra_topic_configs=_STANDINGS_CHANGELOG
        )
        for table in (self._minute_table, self._standing_table):
            table.changelog_topic.replicas = -1  # as many as the broker gives a topic; as a setting faust refuses it
        self._minutes: dict[tuple[str, int], CountedMinute] = {}
        self._standings: dict[str, CountedStanding] = {}
        self._swept = 0
        self.part = Part(self._take, self._write_on)

    async def _write_on(self, over: Stop) -> None:
        """Write what was counted every second, and once more when it is over."""
        while not over.is_set():
            await over.wait(_LOOK_SECONDS)
            await self._write()

    async def _write(self) -> None:
        """Write what was counted; what the database does not take now is kept for the next time."""
        self._sweep()
        while self._minutes or self._standings:
            minutes, standings = _first(self._minutes), _first(self._standings)
            try:
                await self._keep(list(minutes.values()), list(standings.values()))
            except TRANSIENT as error:
                _log.warning("health_waits", error=repr(error))
                self._minutes = minutes | self._minutes
                self._standings = standings | self._standings
                return

    async def _take(self, record: Record) -> None:
        try:
            told = decode_attempts(record.value)
        except DecodeError as error:
            raise PoisonError(str(error)) from error
        self._count(told, record.offset)

    def _count(self, record: WebhookAttempts, position: int) -> None:
        found = results(record.attempts)
        if found:
            self._count_standing(record, position, found)
        oldest = minute_of(self._clock()) - _KEPT_MINUTES
        for minute, some in groupby(found, attrgetter("minute")):
            if minute > oldest:
                self._count_minute(record.subscription_id, minute, position, list(some))

    def _count_minute(self, subscription_id: str, minute: int, position: int, some: Sequence[Result]) -> None:
        window = self._window.current(minute * 60.0)
        known = self._minute_table.get((subscription_id, window))
        before = CountedMinute(subscription_id, minute, -1, Tally()) if known is None else _MINUTE.validate_json(known)
        if position > before.position:
            after = replace(before, position=position, tally=before.tally.adding(some))
            self._windows[subscription_id][window] = _MINUTE.dump_json(after)
            self._minutes[subscription_id, minute] = after

    def _count_standing(self, record: WebhookAttempts, position: int, some: Sequence[Result]) -> None:
        known = self._standing_table.get(record.subscription_id)
        fresh = CountedStanding(record.subscription_id, -1, Standing(record.active_since))
        before = fresh if known is None else _STANDING.validate_json(known)
        if position > before.position:
            standing = before.standing
            if record.active_since > standing.active_since:
                standing = fresh.standing
            if record.active_since == standing.active_since:  # else they went where it led before
                standing = standing.adding(some)
            after = replace(before, position=position, standing=standing)
            self._standing_table[record.subscription_id] = _STANDING.dump_json(after)
            self._standings[record.subscription_id] = after

    async def _rebuilt(self) -> None:
        """Write all that was rebuilt, once more: what was counted before a crash may not have been written."""
        for value in self._minute_table.values():
            one = _MINUTE.validate_json(value)
            self._minutes[one.subscription_id, one.minute] = one
        for value in self._standing_table.values():
            standing = _STANDING.validate_json(value)
            self._standings[standing.subscription_id] = standing

    def _sweep(self) -> None:
        """Let go of minutes that nobody asks for any more; their changelog does so by itself."""
        now = minute_of(self._clock())
        if now == self._swept:
            return
        self._swept = now
        kept = self._minute_table.data
        for key in [key for key in kept if key[1][1] < (now - _KEPT_MINUTES) * 60.0]:
            kept.pop(key, None)


def _first(some: dict[K, V]) -> dict[K, V]:
    """Take as much as is written at once."""
    return {key: some.pop(key) for key in list(islice(some, _ROWS_AT_ONCE))}
