"""Workflows that the records know, and runs found by their tags and plans."""

from __future__ import annotations

import pytest
from tests.artifacts.stores import Clock

from kaon.artifacts import RegisteredWorkflow, UnknownRecord
from kaon.artifacts.records.records import Records


def test_a_workflow_is_kept_as_it_was_last_and_told_apart_from_what_is_the_same(records: Records, clock: Clock):
    first = RegisteredWorkflow("houses", "flows/houses.py", "/jobs", '{"a": 1}', {"files": {"houses/read": ["csv"]}})

    assert records.register_workflow(first)
    assert not records.register_workflow(first)
    assert records.register_workflow(RegisteredWorkflow("houses", "other.py", "/else", '{"a": 2}'))

    known = records.registered_workflow("houses")
    assert (known.flow, known.folder, known.plan, known.facts) == ("other.py", "/else", '{"a": 2}', {})
    assert [one.name for one in records.registered_workflows()] == ["houses"]


def test_one_that_does_not_say_where_it_is_leaves_what_is_known_of_that(records: Records):
    records.register_workflow(RegisteredWorkflow("houses", "flows/houses.py", "/jobs", "{}"))

    assert records.register_workflow(RegisteredWorkflow("houses", "", "", '{"new": true}'))

    assert (records.registered_workflow("houses").flow, records.registered_workflow("houses").plan) == (
        "flows/houses.py",
        '{"new": true}',
    )


def test_a_workflow_that_nobody_ran_is_told_so(records: Records):
    with pytest.raises(UnknownRecord, match="no workflow 'gone' has been run, deployed or served"):
        records.registered_workflow("gone")


def test_runs_are_found_by_a_tag_and_by_a_sweep_in_their_plan(records: Records):
    plain = records.start_run("a", {}, '{"verb":"for_each"}', "local", {"prefect.flow_run": "12%4"})
    swept = records.start_run("b", {}, '{"verb":"sweep"}', "local", {"prefect.flow_run": "1234"})

    assert [run.id for run in records.tagged("prefect.flow_run", "12%4")] == [plain.id]
    assert [run.id for run in records.tagged("prefect.flow_run", "1234")] == [swept.id]
    assert [run.id for run in records.sweeps()] == [swept.id]
    assert records.sweeps(before=swept.id) == []
