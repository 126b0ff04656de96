"""`stream-consumer board.db` keeps a board; Ctrl-C or SIGTERM ends it."""

import argparse
import asyncio
import os
import signal
from contextlib import suppress

from stream_consumer.board import Board
from stream_consumer.reading import follow


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="stream-consumer", description="Keep a board of who comes and who waits.")
    parser.add_argument("board", metavar="FILE", help="the file that keeps it")
    parser.add_argument(
        "--bootstrap",
        default=os.environ.get("SLOTWIRE_KAFKA_BOOTSTRAP", "127.0.0.1:9092"),
        help="Kafka's brokers, host:port; by default as SLOTWIRE_KAFKA_BOOTSTRAP says",
    )
    parser.add_argument("--group", default="board", help="who shares the work; another group reads all again")
    given = parser.parse_args()
    asyncio.run(_follow(given.board, given.bootstrap, given.group))


async def _follow(path: str, bootstrap: str, group: str) -> None:
    with Board(path) as board:
        following = asyncio.ensure_future(follow(board, bootstrap, group))
        for told in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(told, following.cancel)
        with suppress(asyncio.CancelledError):
            await following


if __name__ == "__main__":
    main()
