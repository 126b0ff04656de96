"""PostgreSQL and Kafka in containers, as Compose runs them, through testcontainers.

Host ports are chosen beforehand: Kafka must advertise its own, and a server that comes back keeps its port. Containers
carry the pid of their test run; the next run removes those whose run has died.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import docker
import psutil
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from devstack.ports import HOST, free_port

OWNER_LABEL = "slotwire.test-run"
READY_TIMEOUT = 60.0  # seconds


def engine_answers() -> bool:
    """Whether a Docker engine can be used, by the word of the command: the library leaks a socket when none answers."""
    command = shutil.which("docker")
    if command is None:
        return False
    return subprocess.run([command, "version"], capture_output=True, check=False, timeout=30).returncode == 0


class ContainerServer:
    """One server in a container; the port and the data outlive a kill."""

    def __init__(self, container: DockerContainer, ready: list[str], says: str) -> None:
        self._container = container.with_kwargs(labels={OWNER_LABEL: str(os.getpid())})
        self._ready = ready
        self._says = says
        self._created = False

    @property
    def pid(self) -> int:
        """The server's process id on the host (containers on this machine only)."""
        self._container.reload()
        return int(self._wrapped.attrs["State"]["Pid"])

    def start(self) -> None:
        if self._created:
            self._wrapped.start()
        else:
            self._container.start()
            self._created = True
        _wait_for(self._serves, self._container.get_logs)

    def stop(self) -> None:
        self._wrapped.stop()
        self._wrapped.wait()

    def kill(self) -> None:
        self._wrapped.kill("SIGKILL")
        self._wrapped.wait()

    def remove(self) -> None:
        if self._created:
            self._container.stop()

    @property
    def _wrapped(self) -> Any:
        return self._container.get_wrapped_container()

    def _serves(self) -> bool:
        self._wrapped.reload()
        if self._wrapped.status != "running":
            return False
        outcome = self._container.exec(self._ready)
        return outcome.exit_code == 0 and self._says in outcome.output.decode()


class ContainerServers:
    """Both containers of one test run; a context manager that starts and removes them."""

    def __init__(self) -> None:
        testcontainers_config.ryuk_disabled = True  # removal is ours; its helper image is one more thing to fetch
        postgres_port, kafka_port = free_port(), free_port()
        self.postgres_url = f"postgresql://postgres:slotwire@{HOST}:{postgres_port}/postgres"
        self.kafka_bootstrap = f"{HOST}:{kafka_port}"
        self.postgres = ContainerServer(
            DockerContainer("postgres:18")
            .with_env("POSTGRES_PASSWORD", "slotwire")
            .with_command("postgres -c max_connections=200")
            .with_bind_ports(5432, postgres_port),
            ready=["pg_isready", "--host", HOST, "--username", "postgres"],
            says="accepting connections",
        )
        self.kafka = ContainerServer(
            _kafka(kafka_port),
            ready=["/opt/kafka/bin/kafka-broker-api-versions.sh", "--bootstrap-server", self.kafka_bootstrap],
            says="(id: 1",
        )

    def __enter__(self) -> Self:
        _remove_stale()
        try:
            with ThreadPoolExecutor(2) as pool:
                for job in [pool.submit(self.postgres.start), pool.submit(self.kafka.start)]:
                    job.result()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        self.postgres.remove()
        self.kafka.remove()


def _kafka(port: int) -> DockerContainer:
    """The broker listens on the same port inside, so that its advertised address holds on both sides."""
    settings = {
        "PROCESS_ROLES": "broker,controller",
        "NODE_ID": "1",
        "LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "ADVERTISED_LISTENERS": f"PLAINTEXT://{HOST}:{port}",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "BROKER_SESSION_TIMEOUT_MS": "3000",
        "BROKER_HEARTBEAT_INTERVAL_MS": "500",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
    }
    container = DockerContainer("apache/kafka:4.3.1").with_bind_ports(port, port)
    return container.with_envs(**{f"KAFKA_{name}": value for name, value in settings.items()})


def _remove_stale() -> None:
    client = docker.from_env()
    for container in client.containers.list(all=True, filters={"label": OWNER_LABEL}):
        if not psutil.pid_exists(int(container.labels[OWNER_LABEL])):
            container.remove(force=True, v=True)
    client.close()


def _wait_for(serves: Callable[[], bool], logs: Callable[[], Any]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT
    while not serves():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the container does not serve: {logs()}")
        time.sleep(0.2)
