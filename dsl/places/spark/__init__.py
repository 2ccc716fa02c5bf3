"""The place of Spark applications: a driver on this machine, started by spark-submit, and executors where a master is."""

from .place import SparkSubmit

__all__ = ["SparkSubmit"]
