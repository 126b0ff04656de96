"""The worker: holds deliveries under a lease, attempts them fairly, and writes what became of them."""

from webhook_dispatcher.worker.loop import Limits, Worker
from webhook_dispatcher.worker.replays import Replayer

__all__ = ["Limits", "Replayer", "Worker"]
