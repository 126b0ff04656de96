"""How long a service is given to end: longer than it may take."""

import re
from pathlib import Path

from chassis.settings import ServiceSettings
from devstack.services import GRACE

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
DRAINS = 2  # one for requests, then one for loops
AFTER_DRAINING = 3 + 5 + 5  # seconds: the producer's end and that of each of two pools


def test_a_service_may_drain_before_it_is_killed() -> None:
    needed = ServiceSettings.model_fields["drain_seconds"].default * DRAINS + AFTER_DRAINING
    shared = COMPOSE.read_text().split("x-service:", 1)[1].split("\n\n", 1)[0]
    [in_compose] = re.findall(r"stop_grace_period: (\d+)s", shared)
    assert needed < GRACE
    assert needed < int(in_compose)
