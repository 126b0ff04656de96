"""Embedded Apache Kafka: one real broker in KRaft mode, its own controller.

Owns the log under `<data>/kafka`. Invariants: no topic appears by a client's mistake (auto-creation is off), and a
broker killed with -9 loses no acknowledged record: a record is acknowledged after it was written to the page cache,
which survives the process. A power cut may lose the last seconds, as with any single broker without fsync on every
record; Kafka's answer to that is replicas, which one machine cannot give.
"""

import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path

from devstack import sharing
from devstack.jars import kafka_class_path
from devstack.java import java
from devstack.ports import HOST, accepts, kept_ports
from devstack.process import Command, Leashed
from devstack.record import write_atomically
from devstack.server import Server, ServerError

JVM_FLAGS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m")
STARTED = b"Kafka Server started"
LOG_SETTINGS = """
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %-5p %c{1} %m%n
"""


class Kafka(Server):
    """The embedded Kafka of one data directory; `bootstrap` is its address."""

    name = "Kafka"

    def __init__(self, data: Path) -> None:
        super().__init__(data.absolute() / "kafka", data / "logs" / "kafka.log")
        self._properties = self.home / "server.properties"
        self._logging = self.home / "log4j2.properties"
        self._classes = self.home / "classes.jsa"
        self._ports: dict[str, int] = {}
        self._log_start = 0

    @property
    def bootstrap(self) -> str:
        """`host:port`, valid from the first start."""
        return f"{HOST}:{self._ports['kafka']}"

    def stop(self) -> None:
        """End the broker cleanly and wait until it is gone; keep what makes the next start quicker."""
        super().stop()
        sharing.keep(self._classes)

    def _prepare(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        wanted = {"kafka": self._ports.get("kafka"), "controller": self._ports.get("controller")}
        self._ports = kept_ports(self.home / "ports.json", wanted)
        write_atomically(self._logging, LOG_SETTINGS)
        write_atomically(self._properties, self._settings())
        if not (self.home / "records" / "meta.properties").exists():
            self._format()
        self._log_start = self.log.stat().st_size if self.log.exists() else 0

    def _command(self) -> Command:
        return Command(
            argv=self._java(sharing.making(self._classes), "kafka.Kafka", str(self._properties)),
            cwd=self.home,
            grace=20.0,
        )

    def _ready(self, _process: Leashed) -> bool:
        """The port opens a little before the broker may lead partitions; its log tells when it may."""
        if not accepts(self._ports["kafka"]):
            return False
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return STARTED in log.read()

    def _settings(self) -> str:
        broker, controller = self._ports["kafka"], self._ports["controller"]
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "listeners": f"PLAINTEXT://{HOST}:{broker},CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{broker}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": f"1@{HOST}:{controller}",
            "log.dirs": self.home / "records",
            # A broker that comes back after -9 is refused until its predecessor's session ends: 9 s by default.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": 0,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 1,
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,  # of a heap of 512 MiB; the default takes a quarter
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _format(self) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = ("format", "--ignore-formatted", f"--cluster-id={cluster}", "-c", str(self._properties))
        done = subprocess.run(  # noqa: S603 - our own command
            self._java(sharing.reading(), "kafka.tools.StorageTool", *arguments),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServerError(f"Kafka's storage could not be made: {done.stderr or done.stdout}")

    def _java(self, flags: Sequence[str], main: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._logging}"
        return [str(java()), *JVM_FLAGS, *flags, logging, "-cp", kafka_class_path(), main, *arguments]
