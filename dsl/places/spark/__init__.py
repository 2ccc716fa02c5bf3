"""The place of Spark applications: a driver on this machine, and executors where the master is."""

from .place import SparkSubmit

__all__ = ["SparkSubmit"]
