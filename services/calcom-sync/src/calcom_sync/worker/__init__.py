"""What works without being asked: carries runs out, and asks for those that webhooks or the time make due."""

from calcom_sync.worker.marking import Summoner
from calcom_sync.worker.running import Runner

__all__ = ["Runner", "Summoner"]
