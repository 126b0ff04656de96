"""The worker: holds deliveries under a lease, attempts them fairly, and writes what became of them.

What else runs in the background is here too, a module each.
"""

from webhook_dispatcher.worker.follower import Follower
from webhook_dispatcher.worker.loop import Limits, Worker
from webhook_dispatcher.worker.publisher import AttemptPublisher
from webhook_dispatcher.worker.replays import Replayer
from webhook_dispatcher.worker.retainer import Retainer
from webhook_dispatcher.worker.watcher import Watcher

__all__ = ["AttemptPublisher", "Follower", "Limits", "Replayer", "Retainer", "Watcher", "Worker"]
