"""What works without being asked: matches the queues that are due, and marks those of which nobody tells."""

from waitlist.worker.backlog import watch
from waitlist.worker.looking import Look, Worker
from waitlist.worker.resuming import resume
from waitlist.worker.sweeping import Sweeper

__all__ = ["Look", "Sweeper", "Worker", "resume", "watch"]
