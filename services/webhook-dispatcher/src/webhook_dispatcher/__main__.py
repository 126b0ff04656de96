"""`python -m webhook_dispatcher serve` runs the service, `… migrate` prepares its databases.

`… describe` prints its API as OpenAPI.
"""

from chassis import service
from webhook_dispatcher.app import create_app
from webhook_dispatcher.settings import DATABASE, Settings


def main() -> None:
    """Do what the command line says, with settings from the environment."""
    service.main(service=DATABASE, create_app=create_app, settings_class=Settings)


if __name__ == "__main__":
    main()
