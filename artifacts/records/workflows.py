"""Workflows that are known: as each was when it was last run, deployed or served."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from ..errors import UnknownRecord
from .database import Database
from .record import RegisteredWorkflow
from .runs import Clock, now
from .tables import workflows

COLUMNS = tuple(column for column in workflows.c if column.name != "id")
WORKFLOW = select(*COLUMNS).where(workflows.c.name == bindparam("of_name"))
CHANGED = update(workflows).where(workflows.c.name == bindparam("of_name"))


class WorkflowRecords:
    """What the records say of workflows."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def register_workflow(self, workflow: RegisteredWorkflow) -> bool:
        """Keep a workflow in place of the one of its name, and return whether anything is new.

        One that does not say where it comes from leaves what is known of that.
        """
        with self.database.reading() as connection:
            if not _changes(connection, workflow):
                return False
        time = self._clock()

        def work(connection: Connection) -> bool:
            changes = _changes(connection, workflow)
            if connection.execute(WORKFLOW, {"of_name": workflow.name}).first() is None:
                connection.execute(insert(workflows), {"name": workflow.name, **changes, "changed": time})
            elif changes:
                connection.execute(CHANGED.values(**changes, changed=time), {"of_name": workflow.name})
            return bool(changes)

        return self.database.write(work)

    def registered_workflow(self, name: str) -> RegisteredWorkflow:
        """Return the workflow of this name. Raises UnknownRecord."""
        with self.database.reading() as connection:
            row = connection.execute(WORKFLOW, {"of_name": name}).first()
        if row is None:
            raise UnknownRecord(
                f"no workflow {name!r} has been run, deployed or served with this store",
                fix="kaon deploy FLOW makes it known without running it",
            )
        return _workflow(row)

    def registered_workflows(self) -> list[RegisteredWorkflow]:
        """Return every known workflow, by name."""
        with self.database.reading() as connection:
            return [_workflow(row) for row in connection.execute(select(*COLUMNS).order_by(workflows.c.name))]


def _workflow(row: Row[Any]) -> RegisteredWorkflow:
    return RegisteredWorkflow(**row._mapping)


def _changes(connection: Connection, workflow: RegisteredWorkflow) -> dict[str, Any]:
    """Return what of a workflow differs from what is kept."""
    wanted = {"plan": workflow.plan, "facts": dict(workflow.facts)}
    if workflow.flow:
        wanted |= {"flow": workflow.flow, "folder": workflow.folder}
    row = connection.execute(WORKFLOW, {"of_name": workflow.name}).first()
    if row is None:
        return {"flow": workflow.flow, "folder": workflow.folder, **wanted}
    return {name: value for name, value in wanted.items() if getattr(row, name) != value}
