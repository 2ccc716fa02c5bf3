"""SparkSubmit: run a step's command as a Spark application."""

import os
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from ...context import Message
from ..attempt import Attempt, Outcome
from ..environment import Variables, check_variables, revealed, variables_from, variables_json
from ..exits import CommandFailed
from ..subprocesses import run_command
from .errors import SparkFailed
from .installation import Installation, installation
from .options import options
from .progress import NONCE, DriverApi
from .watched import Watched

LOOPBACK = ("localhost", "127.0.0.1", "::1")
DEPLOY_MODE = "spark.submit.deployMode"


@dataclass(frozen=True, slots=True)
class SparkSubmit:
    """As a Spark application in client mode: the driver runs here, the executors where the master says.

    A step that is a function is the driver: `SparkSession.builder.getOrCreate()` there is on that master.
    """

    name: ClassVar[str] = "spark_submit"

    master: str = ""
    """The master's URL; empty: what KAON_SPARK_MASTER says where the step runs, else this machine's cores."""
    spark_home: str = ""
    """The folder of the installation that submits; empty: SPARK_HOME, else the one that pip installed."""
    main_class: str = ""
    """The class to run of a jar; empty: the one that its manifest names."""
    conf: Variables = field(default_factory=dict, hash=False)
    """Spark's configuration; secrets by reference."""
    env: Variables = field(default_factory=dict, hash=False)
    """Variables of the driver besides those of the run's own process; secrets by reference."""

    def __post_init__(self) -> None:
        check_variables(self.conf)
        check_variables(self.env)
        mode = self.conf.get(DEPLOY_MODE, "client")
        if mode != "client":
            raise ValueError(
                f"conf={{{DEPLOY_MODE!r}: {mode!r}}}: the driver would run on the cluster, where its inputs' and "
                "outputs' files are not and nobody sees how it goes; leave it out, and it runs where the step does"
            )

    def to_json(self) -> dict[str, Any]:
        texts = {"master": self.master, "spark_home": self.spark_home, "main_class": self.main_class}
        maps = {"conf": variables_json(self.conf), "env": variables_json(self.env)}
        return {name: value for name, value in {**texts, **maps}.items() if value}

    @classmethod
    def from_json(cls, configuration: Mapping[str, Any]) -> Self:
        said = dict(configuration)
        for name in ("conf", "env"):
            said[name] = variables_from(said.get(name, {}))
        return cls(**said)

    def decides(self) -> dict[str, Any]:
        """Return all but the master: where executors are changes how fast a result is there, not the result."""
        return {name: value for name, value in self.to_json().items() if name != "master"}

    def perform(self, attempt: Attempt) -> Outcome:
        """Submit the application, tell what it says and how far it is, and collect what it wrote."""
        spark = installation(self.spark_home)
        master = self.master or os.environ.get("KAON_SPARK_MASTER", "") or "local[*]"
        port, nonce = _free_port(), secrets.token_hex(8)
        attempt.tell(Message("log", f"Spark {spark.version} in {spark.home}, on {master}"))
        with attempt.job() as job:
            at = str(job.folder)
            conf = {**_conf(master, port, nonce), **self.conf}
            chosen = options(spark, master, self.main_class, conf, job.folder)
            words = job.command(at, sys.executable)
            app = words[words.index("-u") + 1 :] if words[0] == sys.executable else words  # a function: its script
            path = {"PYTHONPATH": os.pathsep.join(sys.path)} if app is not words else {}
            command = [str(spark.submit), *chosen, *app]
            environment = {**os.environ, **path, **_environment(spark), **revealed(self.env), **job.environment(at)}
            watched = Watched(attempt, DriverApi(port, nonce))
            try:
                run_command(command, within=job.folder / "work", environment=environment, attempt=watched)
            except CommandFailed as error:
                raise SparkFailed(error.what, watched.lines) from error
            finally:
                watched.tell_executor_logs()
            return job.outcome()


def _conf(master: str, port: int, nonce: str) -> dict[str, str]:
    """Return what is configured unless the step configures it: the API on loopback, and few words in the log."""
    host = urlsplit(master).hostname or "localhost"
    here = master.startswith("local") or host in LOOPBACK
    return {
        "spark.ui.enabled": "true",
        "spark.ui.port": str(port),
        "spark.ui.killEnabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "WARN",
        "spark.driver.bindAddress": "127.0.0.1" if here else "0.0.0.0",
        "spark.driver.host": "127.0.0.1" if here else _address_towards(host),
        NONCE: nonce,
    }


def _environment(spark: Installation) -> dict[str, str]:
    """Return the variables of the driver; SPARK_LOCAL_IP is where its API listens."""
    return {
        "SPARK_HOME": str(spark.home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": os.environ.get("PYSPARK_PYTHON", sys.executable),
        "PYTHONUNBUFFERED": "1",
    }


def _address_towards(host: str) -> str:
    """Return the address of this machine that a host sees; loopback if it cannot be reached."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # nothing is sent
        try:
            probe.connect((host, 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
