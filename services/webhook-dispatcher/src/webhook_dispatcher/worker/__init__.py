"""The worker: holds deliveries under a lease, attempts them fairly, and writes what became of them."""

from webhook_dispatcher.worker.loop import Limits, Worker
from webhook_dispatcher.worker.publisher import AttemptPublisher
from webhook_dispatcher.worker.replays import Replayer

__all__ = ["AttemptPublisher", "Limits", "Replayer", "Worker"]
