"""The Spark that submits: a chosen installation, that of SPARK_HOME, or the one that pip installed with Kaon."""

import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .errors import SparkNotFound


@dataclass(frozen=True, slots=True)
class Installation:
    """A Spark on this machine."""

    home: Path
    version: str
    """Such as 4.1.0; empty if its files do not say."""

    @property
    def submit(self) -> Path:
        """The program that starts applications."""
        return self.home / "bin" / "spark-submit"

    @property
    def loads_defaults_beside_properties(self) -> bool:
        """Whether spark-submit reads spark-defaults.conf beside a file of properties if it is asked to."""
        return self.version.partition(".")[0].isdigit() and int(self.version.partition(".")[0]) >= 4


def installation(home: str = "") -> Installation:
    """Return the Spark in a folder; without one, that of SPARK_HOME, else the one of pip.

    Raises SparkNotFound if there is none, or no Java to run it.
    """
    chosen = home or os.environ.get("SPARK_HOME", "")
    place = Path(chosen).expanduser() if chosen else _of_pip()
    if not (place / "bin" / "spark-submit").is_file():
        raise SparkNotFound(
            f"there is no Spark in {str(place)!r}",
            why=f"{place / 'bin' / 'spark-submit'} is no file",
            fix="give the folder of an installation as spark_home=…, or leave it out for the one that pip installed",
        )
    _require_java()
    cores = [
        re.fullmatch(r"spark-core_[\d.]+-(\d[\w.-]*)\.jar", jar.name) for jar in place.glob("jars/spark-core_*.jar")
    ]
    versions = [found[1] for found in cores if found]
    return Installation(place.absolute(), versions[0] if versions else "")


def _of_pip() -> Path:
    found = importlib.util.find_spec("pyspark")  # looked for, not imported
    if found is None or found.origin is None:
        raise SparkNotFound("there is no Spark", why="pyspark is not installed", fix="pip install pyspark")
    return Path(found.origin).parent


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    if java is None:
        where = f"JAVA_HOME={home} has no bin/java" if home else "there is no java on the PATH"
        raise SparkNotFound(
            "there is no Java, and Spark runs on it",
            why=where,
            fix="install Java 17 or newer: apt-get install openjdk-17-jre-headless",
        )
