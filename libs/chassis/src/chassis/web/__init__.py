"""The web application: typed routes in, one error shape out, with keys, scopes, health, metrics and OpenAPI."""

from chassis.web.app import create_web_app
from chassis.web.errors import ApiError
from chassis.web.models import Data, Email, Input, Listing, ListMeta, Output, Text, TimeZone
from chassis.web.rate_limits import RateLimits
from chassis.web.routes import Call, Refusals, Route

__all__ = [
    "ApiError",
    "Call",
    "Data",
    "Email",
    "Input",
    "ListMeta",
    "Listing",
    "Output",
    "RateLimits",
    "Refusals",
    "Route",
    "Text",
    "TimeZone",
    "create_web_app",
]
