"""`python -m booking serve` runs the service, `… migrate` prepares its databases.

`… describe` prints its API as OpenAPI.
"""

from booking.app import create_app
from booking.settings import DATABASE, Settings
from chassis import service


def main() -> None:
    """Do what the command line says, with settings from the environment."""
    service.main(service=DATABASE, create_app=create_app, settings_class=Settings)


if __name__ == "__main__":
    main()
