"""What a running stack is, for the env file and for the person who started it.

Owns what is told, and in which words. Invariant: the commands of the summary can be typed as they stand there, from the
folder in which the stack was started.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.markup import escape

from devstack.folder import Folder
from devstack.tenant import Tenant


@dataclass(frozen=True)
class Running:
    """A stack that is up: its base URL, its demo tenant, its servers, and its services' own URLs by their names.

    With them it tells where PostgreSQL's own programs are, such as `pg_basebackup`.
    """

    url: str
    tenant: Tenant
    postgres_url: str
    kafka_bootstrap: str
    services: Mapping[str, str]
    postgres_programs: Path

    def env(self) -> dict[str, str]:
        """What the env file tells."""
        return {
            "SLOTWIRE_URL": self.url,
            "SLOTWIRE_KEY": self.tenant.key,
            "SLOTWIRE_ORG": self.tenant.org,
            "SLOTWIRE_SCHEDULE": self.tenant.schedule,
            "SLOTWIRE_EVENT_TYPE": self.tenant.event_type,
            "SLOTWIRE_POSTGRES_URL": self.postgres_url,
            "SLOTWIRE_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "SLOTWIRE_POSTGRES_BIN": str(self.postgres_programs),
            **url_variables(self.services),
        }


def url_variables(services: Mapping[str, str]) -> dict[str, str]:
    """Name services' own URLs, past the gateway, as settings and the env file do."""
    return {f"SLOTWIRE_{name.upper().replace('-', '_')}_URL": url for name, url in services.items()}


def summary(running: Running, folder: Folder) -> str:
    """The lines that tell what is up, where, and what to try next (rich's markup)."""
    postgres = urlsplit(running.postgres_url)
    env = _short(folder.env)
    command = _short(Path(sys.executable).parent / "slotwire")
    docs = [f"  {name:<20}{running.url}/services/{name}/docs" for name in running.services]
    return "\n".join(
        [
            f"  {'API':<20}[bold]{running.url}[/]",
            *docs,
            f"  {'PostgreSQL':<20}{escape(str(postgres.hostname))}:{postgres.port}",
            f"  {'Kafka':<20}{escape(running.kafka_bootstrap)}",
            f"  {'demo key':<20}{running.tenant.key}",
            "\nNext, in another terminal:",
            f"  [cyan]{command} listen[/]   shows every webhook as it arrives",
            f"  [cyan]{command} demo[/]     tells a booking's whole journey",
            "  or by hand:",
            f"  [cyan]. {env}[/]",
            '  [cyan]curl -X POST "$SLOTWIRE_URL/api/v1/bookings" -H "Authorization: Bearer $SLOTWIRE_KEY" \\',
            '    -H "Content-Type: application/json" -d \'{"schedule_id": "\'"$SLOTWIRE_SCHEDULE"\'",',
            '    "start_time": "2030-02-15T10:00:00Z", "end_time": "2030-02-15T11:00:00Z",',
            '    "attendee": {"name": "John Doe", "email": "john@example.com"}}\'[/]\n',
        ]
    )


def _short(path: Path) -> str:
    """A path as one would type it here, in rich's markup."""
    here = Path.cwd()
    return escape(str(path.relative_to(here) if path.is_relative_to(here) else path))
