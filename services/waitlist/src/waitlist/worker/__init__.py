"""What works without being asked: looks at the queues that are due, and sweeps over all of them."""

from waitlist.worker.backlog import watch
from waitlist.worker.looking import Look, Worker
from waitlist.worker.sweeping import Sweeper

__all__ = ["Look", "Sweeper", "Worker", "watch"]
