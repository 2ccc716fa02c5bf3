"""spark_submit: steps that are Spark applications, in Python or for the JVM."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from .command_steps import CommandOptions, command_step, refused
from .ir import Step
from .places.environment import Variables
from .places.spark import SparkSubmit
from .where import users_frame, written_by_caller

APP = "app"
"""The setting that names a jar."""


def spark_submit(
    app: str | Path,
    *,
    args: str | Sequence[str] = (),
    master: str = "",
    spark_home: str = "",
    main_class: str = "",
    conf: Variables | None = None,
    env: Variables | None = None,
    **options: Unpack[CommandOptions],
) -> Step[..., Any]:
    """Return a step that is a Spark application: `spark_submit("fit.py", args="{train} {model}", inputs=…, outputs=…)`.

    app: a Python script, by its path from the file in which the step is written; or a jar, whose path is the setting
        `app` of the step.
    args: what it is given. `{name}` stands for the path of an input's or output's file, or for the value of a setting;
        the driver reads and writes these, so executors on other machines need a folder that all of them share.
    master: the master's URL; without one what KAON_SPARK_MASTER says where the step runs, else this machine's cores.
    spark_home: the Spark that submits it; without one SPARK_HOME's, else the one that pip installed.
    main_class: the class to run of a jar.
    conf, env: Spark's configuration and the driver's variables; secrets by reference, {"spark.x": secret("NAME")}.

    What it says is the step's log, and with it what its executors wrote; its jobs and stages are the step's progress.
    When its time is up, or the run is cancelled, driver and executors end. `CommandOptions` describes the options.
    Raises WorkflowError for what cannot be a step.
    """
    where = written_by_caller().where
    words = shlex.split(args) if isinstance(args, str) else list(args)
    jar = Path(app).suffix != ".py"
    command = [f"{{{APP}}}" if jar else str(app), *words]
    if jar:
        options["settings"] = {**options.get("settings", {}), APP: Path(app)}
        options.setdefault("name", Path(app).stem.partition("-")[0].replace(".", "_"))
    try:
        place = SparkSubmit(master, str(spark_home), main_class, conf or {}, env or {})
        made = command_step(command, place, options, users_frame(), where)
    except ValueError as error:
        raise refused(command, error, where) from None
    if not jar and not _script_found(made, str(app)):
        missing = ValueError(
            f"there is no script {str(app)!r}\ngive its path from the file in which the step is written"
        )
        raise refused(command, missing, where)
    return made


def _script_found(made: Step[..., Any], app: str) -> bool:
    command = made.definition.command
    return command is not None and any(name == app for name, _ in command.files)
