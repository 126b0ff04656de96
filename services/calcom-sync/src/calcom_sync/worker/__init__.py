"""What works without being asked: carries runs out."""

from calcom_sync.worker.running import Runner

__all__ = ["Runner"]
