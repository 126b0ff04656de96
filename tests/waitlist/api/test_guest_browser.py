"""The guest's own page in a real browser, on a small screen and without scripts."""

from pathlib import Path

from support.browser import WIDTH, Tab, a_phone, needs_chromium
from support.guest_page import Shown, link_of
from support.waitlist_desk import Bistro, Desk, confirmed
from support.waitlist_service import WaitlistService


async def read(tab: Tab) -> Shown:
    """Read the page that the browser shows."""
    assert await tab.width() <= WIDTH
    shown = Shown()
    shown.feed(await tab.html())
    return shown


@needs_chromium
async def test_a_guest_declines_comes_back_and_accepts(
    desk: Desk, bistro: Bistro, service: WaitlistService, tmp_path: Path
) -> None:
    entry = await bistro.joins(contact={"name": "W" * 100, "email": "w@example.com"})
    await bistro.falls_free()
    await desk.match(bistro.queue)
    async with a_phone(tmp_path / "profile") as tab:
        await tab.open((await link_of(service, entry["id"])).url)
        assert "A place is free for you" in (await read(tab)).parts["offer"]
        assert await tab.style("#accept", "background-color") == "rgb(20, 113, 61)"  # its style is let in
        await tab.press("#decline")
        assert set((await read(tab)).forms) == {"leave"}
        assert await desk.status(entry["id"]) == "waiting"

        await desk.change(entry["id"], party_size=1)  # a reason to be asked again
        await desk.match(bistro.queue)
        await tab.open((await link_of(service, entry["id"])).url)
        desk.watch.turn(minutes=16)
        await tab.press("#accept")
        assert "That offer is over" in (await read(tab)).parts["outcome"]

        await desk.match(bistro.queue)
        await tab.open((await link_of(service, entry["id"])).url)
        await tab.press("#accept")
        (booking_id,) = await confirmed(desk)
        assert booking_id in (await read(tab)).parts["booking"]
        assert [told for told in tab.complaints if "favicon" not in told] == []


@needs_chromium
async def test_a_guest_leaves(desk: Desk, bistro: Bistro, service: WaitlistService, tmp_path: Path) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    async with a_phone(tmp_path / "profile") as tab:
        await tab.open((await link_of(service, entry["id"])).url)
        await tab.press("#leave")
        assert (await read(tab)).parts["over"] == "You are not on the waitlist any more."
    assert await desk.status(entry["id"]) == "removed"
