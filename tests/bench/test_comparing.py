"""Another system takes the load of the journey, and what comes back is told of each request by its own marker."""

import asyncio
import json
import re
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from bench.child import ChildError
from bench.measures import other
from bench.other_system import DescriptionError, OtherSystem, read
from bench.plan import QUICK

from devstack.ports import free_port
from docs.conftest import ROOT
from docs.page import File, blocks
from support.serving import serving

PLAN = replace(
    QUICK,
    rate=50.0,
    journey_rates=(20.0,),
    journey_seconds=0.5,
    load_skipped_seconds=0.5,
    load_seconds=1.5,
    other_probing_seconds=5.0,
    other_patience_seconds=1.0,
)


@dataclass
class Standin:
    """A small system: it takes notes, and tells those who subscribed of each, after a while and in no order.

    Attributes:
        flaws: whether some notes are refused, some webhooks never sent and some sent twice, and all sorts of others.
        receivers: where webhooks are sent.
        fates: what became of each note, by the load of its marker, in the order of their numbers.
    """

    http: aiohttp.ClientSession
    flaws: bool = False
    receivers: list[str] = field(default_factory=list)
    fates: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    telling: set["asyncio.Task[None]"] = field(default_factory=set)
    stands_still: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def subscribe(self, request: web.Request) -> web.Response:
        self.receivers.append((await request.json())["callback"])
        return web.Response(status=201)

    async def take(self, request: web.Request) -> web.Response:
        assert request.headers["X-Source"] == "bench"
        text = (await request.json())["text"]
        async with self.stands_still:
            pass
        marker = text.removeprefix("note ")
        load, _, number = marker.rpartition("-")
        fate = self._fate(int(number)) if self.flaws else "told"
        self.fates[load][int(number)] = fate
        if fate == "refused":
            return web.Response(status=503)
        task = asyncio.create_task(self._tell(text, fate, 0.03 if int(number) % 2 else 0.01))
        self.telling.add(task)
        task.add_done_callback(self.telling.discard)
        return web.Response(status=202)

    @staticmethod
    def _fate(number: int) -> str:
        return {3: "refused", 5: "lost", 7: "twice"}.get(number % 10, "told")

    async def _tell(self, text: str, fate: str, after: float) -> None:
        await asyncio.sleep(after)
        times = {"lost": 0, "twice": 2}.get(fate, 1)
        bodies: list[object] = [{"events": [{"note": {"text": text}}]}] * times
        if self.flaws:
            foreign = {"events": [{"note": {"text": "note bench-00000000-2-0000001"}}]}
            bodies += [{"events": []}, {"text": text}, ["no", "mapping"], foreign]
        for receiver in self.receivers:
            for body in bodies:
                async with self.http.post(receiver, json=body) as answer:
                    assert answer.status == 200


@asynccontextmanager
async def running_standin(*, flaws: bool = False) -> AsyncIterator[tuple[Standin, dict[str, str]]]:
    """Run one for the block; answers where its notes are, and where who wants to hear of them subscribes."""
    async with AsyncExitStack() as ending:
        standin = Standin(await ending.enter_async_context(aiohttp.ClientSession()), flaws)
        notes = await ending.enter_async_context(serving("/notes", standin.take))
        subscribers = await ending.enter_async_context(serving("/subscribers", standin.subscribe))
        yield standin, {"notes": f"{notes}/notes", "subscribers": f"{subscribers}/subscribers"}


def described(folder: Path, urls: dict[str, str]) -> OtherSystem:
    return read(written(folder, urls))


def written(folder: Path, urls: dict[str, str]) -> Path:
    """Write the page's description, of a system that is where the stand-in is."""
    (shown,) = [
        one for one in blocks(ROOT / "docs/benchmarks.md") if isinstance(one, File) and one.name == "notes.toml"
    ]
    text = shown.text.replace("9900", str(free_port()))
    for name, url in urls.items():
        text, found = re.subn(rf"http://127\.0\.0\.1:\d+/{name}", url, text)
        assert found == 1
    path = folder / "notes.toml"
    path.write_text(text)
    return path


async def test_each_webhook_counts_for_its_own_request(tmp_path: Path) -> None:
    async with running_standin(flaws=True) as (standin, urls):
        measured = await other.measure(described(tmp_path, urls), PLAN)
    # What came first only tried whether webhooks come at all.
    fates = [[one[number] for number in sorted(one)] for one in list(standin.fates.values())[-len(measured) :]]
    assert [one.load.name for one in measured] == ["20/s", "50/s", "saturated"]
    for one, skipped, all_fates in zip(measured, (10, 25, 0), fates, strict=True):
        counted = all_fates[skipped:]
        told = (one.sent, one.refused, one.missing, one.repeated)
        assert told == (len(counted), *(counted.count(fate) for fate in ("refused", "lost", "twice")))
        assert len(one.answered_ms) == one.sent
    for one in measured[:2]:
        assert len(one.load.milliseconds) == one.sent - one.refused - one.missing > 0
        assert min(one.load.milliseconds) >= 10
        assert max(one.load.milliseconds) >= 30


async def test_what_stands_still_shows_in_all_that_fall_due_meanwhile(tmp_path: Path) -> None:
    async with running_standin() as (standin, urls), asyncio.TaskGroup() as group:
        stopping = group.create_task(standing_still(standin, seconds=0.7))
        (slow, *_) = await other.measure(described(tmp_path, urls), replace(PLAN, connections=2))
        await stopping
    for latencies in (slow.answered_ms, slow.load.milliseconds):
        assert max(latencies) > 650
        assert sum(ms > 100 for ms in latencies) >= 10  # at 20 a second, over two connections


async def standing_still(standin: Standin, *, seconds: float) -> None:
    """Stop answering for a while, in the part of the first load that counts."""
    while not any(len(one) >= 15 for one in standin.fates.values()):
        await asyncio.sleep(0.01)
    async with standin.stands_still:
        await asyncio.sleep(seconds)


async def test_nobodys_webhooks_are_told(tmp_path: Path) -> None:
    async with running_standin() as (standin, urls):
        system = described(tmp_path, urls).model_copy(update={"subscribe": None})
        with pytest.raises(ChildError, match=r"no webhook with our marker .* 0 came without one, .* \[202\]"):
            await other.measure(system, replace(PLAN, other_probing_seconds=1.0))
    assert standin.fates


async def test_no_load_is_led_away(tmp_path: Path) -> None:
    """What is described is at this machine; where it redirects to may be anywhere."""

    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(urls["notes"])

    async with running_standin() as (standin, urls), serving("/notes", elsewhere) as origin:
        system = described(tmp_path, urls | {"notes": f"{origin}/notes"})
        with pytest.raises(ChildError, match=r"the last POST was answered \[307\]"):
            await other.measure(system, replace(PLAN, other_probing_seconds=1.0))
    assert not standin.fates


async def test_the_page_shows_what_the_command_prints(tmp_path: Path) -> None:
    page = (ROOT / "docs/benchmarks.md").read_text()
    async with running_standin() as (_, urls):
        path = written(tmp_path, urls)
        command = re.search(r"^\.venv/bin/python (-m bench --compare notes\.toml .*)$", page, re.MULTILINE)
        assert command is not None
        words = command[1].replace("notes.toml", str(path)).split()
        done = await asyncio.create_subprocess_exec(
            sys.executable, *words, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        printed, errors = [told.decode() for told in await done.communicate()]
    assert (done.returncode, errors) == (0, "")
    shown = page.split(command[0], 1)[1].split("```text not run", 1)[1].split("\n", 1)[1].split("```", 1)[0]
    assert without_numbers(printed) == without_numbers(shown)


def without_numbers(told: str) -> str:
    return re.sub(r"[\d,.]*\d", "0", told).strip()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (("127.0.0.1:8000/notes", "example.com/notes"), "this machine only"),
        (("127.0.0.1:8000/notes", "128.0.0.1:8000/notes"), "this machine only"),
        (("$marker", "$maker"), r"nothing is known for \$maker"),
        (("$marker", "$marker costs 5 $"), "dollar sign"),
        (('"events.0.note.text"', '""'), "marker"),
        (("[webhook]", "[hook]"), "hook"),
        (('name = "Notes"', "name"), "notes.toml"),
    ],
)
def test_what_describes_no_system_is_refused(tmp_path: Path, wrong: tuple[str, str], why: str) -> None:
    path = written(tmp_path, {})
    text = path.read_text()
    assert wrong[0] in text
    path.write_text(text.replace(*wrong))
    with pytest.raises(DescriptionError, match=why):
        read(path)


def test_a_placeholder_may_be_an_environment_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, {})
    path.write_text(path.read_text().replace('"bench"', '"Bearer $NOTES_KEY"'))
    monkeypatch.setenv("NOTES_KEY", "secret")
    headers, body = read(path).post.filled({"marker": "m", "start": "s", "end": "e"})
    assert headers == {"Content-Type": "application/json", "X-Source": "Bearer secret"}
    assert json.loads(body)["text"] == "note m"
