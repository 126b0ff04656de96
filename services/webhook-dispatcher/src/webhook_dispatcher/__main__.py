"""`python -m webhook_dispatcher serve` runs the service, `… migrate` prepares its databases."""

import gc

from chassis import service
from webhook_dispatcher.app import create_app
from webhook_dispatcher.settings import DATABASE, Settings

# Deliveries in memory are many and short-lived and hold no cycles: looking for garbage every 700 objects costs a third
# of the processor here.
_OBJECTS_BETWEEN_COLLECTIONS = 20_000


def main() -> None:
    """Do what the command line says, with settings from the environment."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    service.main(service=DATABASE, create_app=create_app, settings_class=Settings)


if __name__ == "__main__":
    main()
