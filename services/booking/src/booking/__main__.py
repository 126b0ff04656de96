"""`python -m booking serve` runs the service, `python -m booking migrate` prepares its databases."""

import argparse

from booking.app import create_app
from booking.settings import DATABASE, Settings
from chassis import identity, lifecycle, log, migrations


async def serve(settings: Settings) -> None:
    """Serve until a signal says to stop."""
    await lifecycle.serve(
        create_app(settings), host=settings.host, port=settings.port, drain_seconds=settings.drain_seconds
    )


async def migrate(settings: Settings) -> None:
    """Create the service's database and the one of keys where they are missing, and bring both up to date."""
    await identity.migrate(settings.postgres_url)
    await migrations.migrate(settings.postgres_url, DATABASE, ["chassis", "booking"])


def main() -> None:
    """Do what the command line says, with settings from the environment."""
    parser = argparse.ArgumentParser(prog="python -m booking", description=__doc__)
    parser.add_argument("command", choices=("serve", "migrate"))
    command = {"serve": serve, "migrate": migrate}[parser.parse_args().command]
    settings = Settings()
    log.configure(service="booking", shape=settings.log_format, level=settings.log_level)
    lifecycle.run(lambda: command(settings))


if __name__ == "__main__":
    main()
