"""The language: steps, verbs and operators, checks, and the plan they are compiled to."""

if __name__ == "dsl":
    raise ImportError("this folder is the package 'kaon.dsl': write: from kaon.dsl import …")

from .command_steps import docker_step, shell_step
from .context import current_step
from .errors import Problem, SettingsError, WorkflowError
from .places.docker import Docker
from .places.place import Process
from .places.spark import SparkSubmit
from .plan import Plan
from .point import Point
from .resources import Resources
from .schedule import Cron, Every
from .secrets import Secret, secret
from .spark_steps import spark_submit
from .step import step
from .verbs import bootstrap, cross_validate, for_each, parallel, repeat, sequence, sweep, when
from .workflow import Workflow, workflow

__all__ = [
    "Cron",
    "Docker",
    "Every",
    "Plan",
    "Point",
    "Problem",
    "Process",
    "Resources",
    "Secret",
    "SettingsError",
    "SparkSubmit",
    "Workflow",
    "WorkflowError",
    "bootstrap",
    "cross_validate",
    "current_step",
    "docker_step",
    "for_each",
    "parallel",
    "repeat",
    "secret",
    "sequence",
    "shell_step",
    "spark_submit",
    "step",
    "sweep",
    "when",
    "workflow",
]
