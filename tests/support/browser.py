"""A real browser, without scripts and as small as a phone, driven as a person would: by looking and pressing."""

import asyncio
import itertools
import json
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
needs_chromium = pytest.mark.skipif(
    not CHROMIUM, reason="needs Chromium: install the package chromium, or chromium-browser, so that it is on the PATH"
)

WIDTH, HEIGHT = 360, 640
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-port=0",
)


@dataclass
class Tab:
    """One page of the browser.

    Attributes:
        complaints: what the browser wrote to its console, as about a policy that was broken.
    """

    socket: aiohttp.ClientWebSocketResponse
    complaints: list[str] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _loads: int = 0

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the browser for something, and answer what it says."""
        number = next(self._numbers)
        await self.socket.send_json({"id": number, "method": method, "params": params})
        while True:
            told = await self._hear()
            if told.get("id") == number:
                assert "error" not in told, told
                return dict(told["result"])

    async def open(self, url: str) -> None:
        """Open an address, and wait until it is shown."""
        loads = self._loads
        await self.ask("Page.navigate", url=url)
        await self._shown(loads)

    async def press(self, selector: str) -> None:
        """Press the middle of an element, and wait for the page that this leads to."""
        node = await self._node(selector)
        await self.ask("DOM.scrollIntoViewIfNeeded", nodeId=node)
        model = (await self.ask("DOM.getBoxModel", nodeId=node))["model"]
        corners = model["border"]
        x, y = sum(corners[0::2]) / 4, sum(corners[1::2]) / 4
        assert 0 < x < WIDTH, "it lies beside the screen"
        loads = self._loads
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        await self._shown(loads)

    async def html(self) -> str:
        """Answer the page as the browser has it."""
        return str((await self.ask("DOM.getOuterHTML", nodeId=await self._node("html")))["outerHTML"])

    async def width(self) -> float:
        """Tell how wide the page is."""
        return float((await self.ask("Page.getLayoutMetrics"))["cssContentSize"]["width"])

    async def style(self, selector: str, name: str) -> str:
        """Tell how an element looks."""
        node = await self._node(selector)
        await self.ask("CSS.enable")
        styles = (await self.ask("CSS.getComputedStyleForNode", nodeId=node))["computedStyle"]
        return next(str(one["value"]) for one in styles if one["name"] == name)

    async def _node(self, selector: str) -> int:
        root = (await self.ask("DOM.getDocument"))["root"]["nodeId"]
        found = (await self.ask("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        assert found, f"the page has no {selector}"
        return int(found)

    async def _shown(self, loads: int) -> None:
        async with asyncio.timeout(30):
            while self._loads == loads:
                await self._hear()

    async def _hear(self) -> dict[str, Any]:
        told: dict[str, Any] = await self.socket.receive_json()
        if told.get("method") == "Page.loadEventFired":
            self._loads += 1
        if told.get("method") == "Log.entryAdded":
            self.complaints.append(told["params"]["entry"]["text"])
        return told


@asynccontextmanager
async def a_phone(folder: Path) -> AsyncIterator[Tab]:
    """Start the browser for the block; its scripts are off, and its screen is a phone's."""
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *_OPTIONS, f"--user-data-dir={folder}", "about:blank", stdout=DEVNULL, stderr=PIPE
    )
    try:
        base = await _listening(process)
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{base}/json") as response:
                pages = json.loads(await response.text())
            where = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
            async with http.ws_connect(where, max_msg_size=0) as socket:
                yield await _as_a_phone(Tab(socket))
    finally:
        process.terminate()
        await process.communicate()


async def _listening(process: asyncio.subprocess.Process) -> str:
    """Answer where the browser takes orders, once it tells."""
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while line := await process.stderr.readline():
            if b"DevTools listening on ws://" in line:
                return "http://" + line.decode().split("ws://", 1)[1].split("/", 1)[0]
    raise AssertionError("the browser ended")


async def _as_a_phone(tab: Tab) -> Tab:
    for domain in ("Page", "DOM", "Log"):
        await tab.ask(f"{domain}.enable")
    await tab.ask("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=2, mobile=True)
    await tab.ask("Emulation.setScriptExecutionDisabled", value=True)
    return tab
