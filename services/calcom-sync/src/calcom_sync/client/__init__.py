"""What the service asks Cal.com over HTTP.

Invariant: an API key is sent to the address that it was given for, and nowhere else: no redirect is followed.
"""

from calcom_sync.client.calcom import Account, Allowance, Calcom, CalcomClient, Limits
from calcom_sync.client.lists import Asked, Page, Position, Sort

__all__ = ["Account", "Allowance", "Asked", "Calcom", "CalcomClient", "Limits", "Page", "Position", "Sort"]
