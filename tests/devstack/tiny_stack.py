"""Runs the supervisor on the folder of its first argument, with tiny services in the places of the real ones."""

import sys
from pathlib import Path

from chassis import lifecycle
from devstack.folder import Folder
from devstack.given import Given
from devstack.screen import Screen
from devstack.services import Service
from devstack.supervisor import Options, Supervisor

PROGRAM = (sys.executable, str(Path(__file__).with_name("tiny_service.py")))
SERVICES = (Service("booking", PROGRAM), Service("webhook-dispatcher", PROGRAM))

if __name__ == "__main__":
    folder = Folder(Path(sys.argv[1]))
    options = Options(folder, given=Given.from_environment(folder.data), services=SERVICES)
    lifecycle.run(lambda: Supervisor(options, Screen()).run())
