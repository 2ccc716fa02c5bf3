"""What an input reads: every rule of scope, as the plan shows it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel
from tests.dsl.toys import (
    Model,
    Ratings,
    check,
    choose,
    evaluate,
    find_markets,
    fine_tune,
    load,
    measure,
    publish,
    train,
)

from kaon.dsl import (
    Plan,
    Point,
    WorkflowError,
    bootstrap,
    cross_validate,
    for_each,
    parallel,
    repeat,
    sequence,
    step,
    sweep,
    when,
    workflow,
)
from kaon.dsl.plan import Absent, Attempts, Branch, Given, Loop, Output, Setting, Source, Variable, walk


@step(output="wide_score")
def weigh(model: Model, *, rank: int = 3) -> float:
    return model.rank / rank


def source(plan: Plan, step: str, name: str) -> Source:
    """Return where an input of a step comes from."""
    (found,) = [item.source for call in plan.calls() if call.step == step for item in call.inputs if item.name == name]
    return found


def type_of(plan: Plan, kind: type[Any], name: str) -> str:
    """Return the type of what the only loop or decision of a plan hands on under a name."""
    (node,) = [node for node in walk(plan.root) if isinstance(node, kind)]
    (export,) = [export for export in node.exports if export.name == name]
    return str(export.type)


class Rank(BaseModel):
    rank: int = 5


class TestTheOrderOfLookup:
    def test_a_given_value_is_nearer_than_a_loop_variable(self) -> None:
        flow = workflow("flow", load >> sweep(rank=[1, 2]).do(train >> weigh.with_(rank=7)))

        assert source(flow.plan, "weigh", "rank") == Given(7)
        assert source(flow.plan, "train", "rank") == Variable("flow/sweep[rank]", "rank")

    def test_a_given_value_is_nearer_than_an_output(self) -> None:
        flow = workflow("flow", load >> train >> publish.with_(model={"rank": 1}))

        assert source(flow.plan, "publish", "model") == Given({"rank": 1})

    def test_an_output_inside_the_loop_is_nearer_than_one_outside(self) -> None:
        inner = train.named("again").reads(rank="width")
        flow = workflow("flow", load >> train >> for_each(width=[1, 2]).do(inner >> evaluate))

        assert source(flow.plan, "evaluate", "model") == Output("flow/for_each[width]/again", "model")

    def test_a_loop_variable_is_nearer_than_an_output_outside_the_loop(self) -> None:
        name_market = step(output="market")(_name_market)
        flow = workflow("flow", [name_market, find_markets] >> for_each(market="markets").do(measure))

        assert source(flow.plan, "measure", "market") == Variable("flow/for_each[market]", "market")

    def test_the_nearest_of_two_upstream_outputs_is_read(self) -> None:
        flow = workflow("flow", load >> train >> train.named("again") >> evaluate)

        assert source(flow.plan, "evaluate", "model") == Output("flow/again", "model")

    def test_an_output_is_nearer_than_a_parameter_of_the_workflow(self) -> None:
        make_rank = step(output="rank")(_make_rank)
        flow = workflow("flow", load >> make_rank >> train, params=Rank)

        assert source(flow.plan, "train", "rank") == Output("flow/_make_rank", "rank")

    def test_a_parameter_of_the_workflow_is_nearer_than_the_default(self) -> None:
        flow = workflow("flow", load >> train, params=Rank)

        assert source(flow.plan, "train", "rank") == Setting("rank")
        assert flow.settings_model().model_dump() == {"rank": 5, "load": {"rows": 4}}

    def test_an_input_that_nothing_provides_is_a_setting_with_its_default(self) -> None:
        flow = workflow("flow", load >> train)

        assert source(flow.plan, "train", "rank") == Setting("train.rank")
        assert flow.settings_model().model_dump() == {"load": {"rows": 4}, "train": {"rank": 8}}

    def test_a_default_that_no_setting_can_have_stays_the_functions_own(self) -> None:
        fetch = step(output="rows")(_fetch)
        flow = workflow("flow", fetch)

        assert source(flow.plan, "_fetch", "connection").source == "default"
        assert flow.settings_model.model_fields == {}


def _name_market() -> str:
    return "UK"


def _make_rank() -> int:
    return 3


class _Connection:
    """What no setting can be."""


CONNECTION = _Connection()


def _fetch(connection: _Connection = CONNECTION) -> int:
    return 1


class TestNames:
    def test_reads_takes_an_input_from_another_name(self) -> None:
        flow = workflow("flow", load >> train.rename(model="als") >> publish.reads(model="als"))

        assert source(flow.plan, "publish", "model") == Output("flow/train", "als")

    def test_a_renamed_output_is_no_longer_there_under_its_own_name(self) -> None:
        with pytest.raises(WorkflowError, match="publish needs 'model: Model'"):
            workflow("flow", load >> train.rename(model="als") >> publish)

    def test_a_step_in_two_places_shares_its_settings(self) -> None:
        flow = workflow("flow", load >> [train, train.rename(model="other")])

        assert [call.path for call in flow.plan.calls()] == ["flow/load", "flow/train", "flow/train#2"]
        assert {item.source for call in flow.plan.calls() for item in call.inputs if item.name == "rank"} == {
            Setting("train.rank")
        }

    def test_a_step_under_a_name_of_its_own_has_settings_of_its_own(self) -> None:
        flow = workflow("flow", load >> [train, train.named("wide").rename(model="other")])

        assert source(flow.plan, "train", "rank") == Setting("train.rank")
        assert source(flow.plan, "wide", "rank") == Setting("wide.rank")

    def test_a_method_returns_a_new_step_and_leaves_the_old_one(self) -> None:
        changed = train.named("wide").with_(rank=3).reads(ratings="events").rename(model="als")

        assert (changed.name, train.name) == ("wide", "train")
        assert (train.given, train.renamed_inputs, train.renamed_outputs) == ((), (), ())


class TestParallel:
    def test_after_the_join_the_outputs_of_every_branch_are_in_scope(self) -> None:
        flow = workflow("flow", [load, find_markets] >> train >> for_each(market="markets").do(fine_tune))

        assert [name for name, _ in flow.plan.outputs] == ["ratings", "markets", "model", "local_model"]

    def test_a_list_operator_and_the_verb_build_the_same_plan(self) -> None:
        operators = workflow("flow", load >> [train, find_markets] >> publish)
        verbs = workflow("flow", sequence(load, parallel(train, find_markets), publish))

        assert operators.plan == verbs.plan

    def test_a_list_can_stand_first(self) -> None:
        flow = workflow("flow", [load, find_markets] >> train)

        assert source(flow.plan, "train", "ratings") == Output("flow/load", "ratings")

    def test_a_workflow_can_be_a_list_of_branches(self) -> None:
        flow = workflow("flow", [load, find_markets])

        assert [call.path for call in flow.plan.calls()] == ["flow/load", "flow/find_markets"]

    def test_branches_do_not_see_each_other_but_all_that_is_outside(self) -> None:
        flow = workflow("flow", load >> train >> [train.named("again").rename(model="b") >> evaluate, find_markets])

        assert source(flow.plan, "evaluate", "model") == Output("flow/train", "model")


class TestForEach:
    def test_after_a_loop_over_a_list_an_output_is_a_mapping_from_item_to_value(self) -> None:
        flow = workflow("flow", load >> train >> find_markets >> for_each(market="markets").do(fine_tune) >> choose)

        assert type_of(flow.plan, Loop, "local_model") == "Mapping[str, Model]"
        assert source(flow.plan, "choose", "local_model") == Output("flow/for_each[market]", "local_model")

    def test_inside_a_loop_the_body_sees_one_value(self) -> None:
        flow = workflow(
            "flow", load >> for_each(rank=[1, 2]).do(train >> evaluate) >> find_markets.rename(markets="places")
        )

        assert source(flow.plan, "evaluate", "model") == Output("flow/for_each[rank]/train", "model")

    def test_nested_loops_give_a_mapping_of_mappings(self) -> None:
        flow = workflow(
            "flow",
            load >> find_markets >> for_each(market="markets").do(measure >> for_each(rank=[1, 2]).do(train)),
        )

        joined = dict(flow.plan.outputs)
        loops = {node.path: node for node in walk(flow.plan.root) if isinstance(node, Loop)}
        types = {export.name: export.type for export in loops["flow/for_each[market]"].exports}
        assert types == {"length": "Mapping[str, int]", "model": "Mapping[str, Mapping[int, Model]]"}
        assert joined["model"] == Output("flow/for_each[market]", "model")

    def test_a_loop_over_a_mapping_sees_the_value_and_its_key(self) -> None:
        sizes, label = step(output="sizes")(_sizes), step(output="label")(_label)
        flow = workflow("flow", sizes >> for_each(size="sizes").do(label))

        assert source(flow.plan, "_label", "size") == Variable("flow/for_each[size]", "size")
        assert source(flow.plan, "_label", "size_key") == Variable("flow/for_each[size]", "size_key")
        assert type_of(flow.plan, Loop, "label") == "Mapping[str, str]"

    def test_reading_the_key_alone_is_reading_the_loop(self) -> None:
        sizes, name = step(output="sizes")(_sizes), step(output="name")(_key)
        flow = workflow("flow", sizes >> for_each(size="sizes").do(name))

        assert source(flow.plan, "_key", "size_key") == Variable("flow/for_each[size]", "size_key")

    def test_a_loop_over_a_join_runs_over_its_values_under_the_same_keys(self) -> None:
        flow = workflow(
            "flow",
            load
            >> train
            >> find_markets
            >> for_each(market="markets").do(fine_tune)
            >> for_each(local="local_model").do(evaluate.reads(model="local")),
        )

        loops = {node.path: node for node in walk(flow.plan.root) if isinstance(node, Loop)}
        second = loops["flow/for_each[local]"]
        assert second.over.over == "items"
        assert second.over.mapping
        assert [export.type for export in second.exports] == ["Mapping[str, float]"]

    def test_a_loop_over_written_out_values_is_keyed_by_them(self) -> None:
        flow = workflow("flow", load >> for_each(rank=[1, 2]).do(train))

        assert type_of(flow.plan, Loop, "model") == "Mapping[int, Model]"

    def test_a_sweep_is_keyed_by_its_point(self) -> None:
        pick = step(output="best")(_pick)
        flow = workflow("flow", load >> sweep(rank=[1, 2]).do(train) >> pick)

        assert type_of(flow.plan, Loop, "model") == "Mapping[Point, Model]"
        assert source(flow.plan, "_pick", "model") == Output("flow/sweep[rank]", "model")

    def test_a_bootstrap_offers_its_replicate_and_is_keyed_by_it(self) -> None:
        draw = step(output="drawn")(_draw)
        flow = workflow("flow", bootstrap(3).do(draw))

        assert source(flow.plan, "_draw", "replicate") == Variable("flow/bootstrap[replicate]", "replicate")
        assert type_of(flow.plan, Loop, "drawn") == "Mapping[int, int]"

    def test_a_cross_validation_offers_the_fold_and_their_number_and_is_keyed_by_the_fold(self) -> None:
        leave_out = step(output="left_out")(_leave_out)
        flow = workflow("flow", cross_validate(3).do(leave_out))

        assert source(flow.plan, "_leave_out", "folds") == Variable("flow/cross_validate[fold,folds]", "folds")
        assert type_of(flow.plan, Loop, "left_out") == "Mapping[int, int]"

    def test_a_variable_is_not_in_scope_after_its_loop(self) -> None:
        with pytest.raises(WorkflowError, match="measure needs 'market: str'"):
            workflow("flow", find_markets >> for_each(market="markets").do(measure) >> measure.rename(length="more"))

    def test_a_variable_can_be_what_an_inner_loop_runs_over(self) -> None:
        group = step(output="groups")(_group)
        flow = workflow("flow", group >> for_each(group="groups").do(for_each(market="group").do(measure)))

        assert dict(flow.plan.outputs)["length"] == Output("flow/for_each[group]", "length")


def _sizes() -> dict[str, int]:
    return {"US": 1}


def _label(size: int, size_key: str) -> str:
    return f"{size_key} {size}"


def _key(size_key: str) -> str:
    return size_key


def _pick(model: Mapping[Point, Model]) -> int:
    return len(model)


def _draw(replicate: int) -> int:
    return replicate


def _leave_out(fold: int, folds: int) -> int:
    return folds - fold


def _group() -> dict[str, list[str]]:
    return {"EU": ["DE"]}


class TestRepeat:
    def test_the_body_sees_the_number_of_the_attempt(self) -> None:
        flow = workflow("flow", load >> repeat(until="stable", at_most=3).do(train.reads(rank="attempt") >> check))

        assert source(flow.plan, "train", "rank") == Variable("flow/repeat", "attempt")

    def test_after_it_the_outputs_of_the_last_attempt_are_in_scope_as_they_are(self) -> None:
        flow = workflow("flow", load >> repeat(until="stable", at_most=3).do(train >> check) >> publish)

        assert source(flow.plan, "publish", "model") == Output("flow/repeat", "model")
        assert type_of(flow.plan, Attempts, "model") == "Model"

    def test_an_inner_repetition_counts_its_own_attempts(self) -> None:
        inner = repeat(until="stable", at_most=2).do(train.reads(rank="attempt") >> check)
        done = check.named("done").rename(stable="done")
        flow = workflow("flow", load >> repeat(until="done", at_most=2).do(inner >> done))

        assert source(flow.plan, "train", "rank") == Variable("flow/repeat/repeat", "attempt")

    def test_the_attempt_is_not_in_scope_after_it(self) -> None:
        after = train.named("after").reads(rank="attempt")
        flow = workflow("flow", load >> repeat(until="stable", at_most=3).do(train >> check) >> after)

        assert source(flow.plan, "after", "rank") == Setting("after.rank")


class TestWhen:
    def test_what_both_cases_provide_with_one_type_has_that_type(self) -> None:
        one, other = train.named("one"), train.named("other")
        flow = workflow("flow", load >> train >> check >> when("stable").do(one).otherwise(other) >> publish)

        assert type_of(flow.plan, Branch, "model") == "Model"
        assert source(flow.plan, "publish", "model") == Output("flow/when[stable]", "model")

    def test_what_the_cases_provide_with_two_types_has_either(self) -> None:
        explain, tell = step(output="verdict")(_explain), step(output="told")(_tell)
        score = evaluate.rename(score="verdict")
        flow = workflow("flow", load >> train >> check >> when("stable").do(score).otherwise(explain) >> tell)

        assert type_of(flow.plan, Branch, "verdict") == "float | str"

    def test_what_only_one_case_provides_may_be_none(self) -> None:
        flow = workflow("flow", load >> train >> check >> when("stable").do(evaluate))

        (branch,) = [node for node in walk(flow.plan.root) if isinstance(node, Branch)]
        assert [(export.type, export.then, export.otherwise) for export in branch.exports] == [
            ("float | None", Output("flow/when[stable]/evaluate", "score"), Absent())
        ]

    def test_what_only_one_case_replaces_stays_what_it_was_in_the_other(self) -> None:
        flow = workflow("flow", load >> train >> check >> when("stable").do(train.named("again")) >> publish)

        (branch,) = [node for node in walk(flow.plan.root) if isinstance(node, Branch)]
        (export,) = branch.exports
        assert (export.type, export.otherwise) == ("Model", Output("flow/train", "model"))

    def test_the_cases_do_not_see_each_other(self) -> None:
        with pytest.raises(WorkflowError, match="measure needs 'market: str'"):
            decision = when("stable").do(find_markets >> check.named("x").rename(stable="market"))
            workflow("flow", load >> train >> check >> decision.otherwise(measure))

    def test_a_loop_variable_can_decide(self) -> None:
        flow = workflow("flow", load >> for_each(wide=[True, False]).do(when("wide").do(train)))

        (branch,) = [node for node in walk(flow.plan.root) if isinstance(node, Branch)]
        assert branch.condition_source == Variable("flow/for_each[wide]", "wide")


def _explain(ratings: Ratings) -> str:
    return f"{len(ratings)} ratings are too few"


def _tell(verdict: float | str) -> str:
    return str(verdict)


class Inner(BaseModel):
    rank: int = 5
    market: str


class TestNestedWorkflows:
    def test_a_nested_workflow_reads_what_is_outside_and_hands_on_what_it_provides(self) -> None:
        inner = workflow("inner", lambda: train >> check)
        flow = workflow("outer", load >> inner >> publish)

        assert source(flow.plan, "train", "ratings") == Output("outer/load", "ratings")
        assert source(flow.plan, "publish", "model") == Output("outer/inner/train", "model")

    def test_its_parameters_are_settings_of_the_outer_one(self) -> None:
        inner = workflow("inner", load >> train >> measure, params=Inner)
        flow = workflow("outer", inner)

        assert source(flow.plan, "train", "rank") == Setting("rank")
        assert list(flow.settings_model.model_fields) == ["rank", "market", "load"]

    def test_its_parameters_can_be_given(self) -> None:
        inner = workflow("inner", load >> train >> measure, params=Inner)
        flow = workflow("outer", inner.with_(rank=3) >> find_markets)

        assert source(flow.plan, "train", "rank") == Given(3)
        assert list(flow.settings_model.model_fields) == ["market", "load"]

    def test_giving_parameters_leaves_the_workflow_itself_as_it_was(self) -> None:
        inner = workflow("inner", load >> train >> measure, params=Inner)
        inner.with_(rank=3)

        assert source(inner.plan, "train", "rank") == Setting("rank")

    def test_values_can_be_given_one_after_the_other(self) -> None:
        inner = workflow("inner", load >> train >> measure, params=Inner)
        flow = workflow("outer", inner.with_(rank=3).with_(market="US"))

        assert source(flow.plan, "train", "rank") == Given(3)
        assert source(flow.plan, "measure", "market") == Given("US")

    def test_a_parameter_that_is_in_scope_outside_is_read_from_there(self) -> None:
        inner = workflow("inner", load >> train >> measure, params=Inner)
        flow = workflow("outer", find_markets >> for_each(market="markets").do(inner))

        assert source(flow.plan, "measure", "market") == Variable("outer/for_each[market]", "market")
        assert source(flow.plan, "train", "rank") == Setting("rank")

    def test_two_nested_workflows_of_one_name_have_paths_of_their_own(self) -> None:
        inner = workflow("inner", load)
        flow = workflow("outer", inner >> inner)

        assert [call.path for call in flow.plan.calls()] == ["outer/inner/load", "outer/inner#2/load"]

    def test_a_lazily_given_body_makes_the_same_plan(self) -> None:
        written, lazy = workflow("flow", load >> train), workflow("flow", lambda: load >> train)

        assert lazy.plan == written.plan

    def test_the_parameters_of_a_workflow_do_not_hide_an_output_of_a_nested_one(self) -> None:
        make_rank = step(output="rank")(_make_rank)
        flow = workflow("outer", load >> workflow("inner", make_rank) >> train, params=Rank)

        assert source(flow.plan, "train", "rank") == Output("outer/inner/_make_rank", "rank")


class TestWorkflow:
    def test_every_output_that_is_in_scope_at_the_end_is_an_output_of_the_plan(self) -> None:
        flow = workflow("flow", load >> train >> train.named("again"), report=["model"], doc="Train twice.")

        assert flow.plan.outputs == (
            ("ratings", Output("flow/load", "ratings")),
            ("model", Output("flow/again", "model")),
        )
        assert (flow.plan.report, flow.plan.doc) == (("model",), "Train twice.")

    def test_it_knows_the_step_behind_every_path(self) -> None:
        flow = workflow("flow", load >> sweep(rank=[1, 2]).do(train))

        assert {path: step.name for path, step in flow.steps.items()} == {
            "flow/load": "load",
            "flow/sweep[rank]/train": "train",
        }

    def test_it_says_its_name(self) -> None:
        assert repr(workflow("flow", load)) == "workflow('flow')"

    def test_several_outputs_are_the_fields_of_a_named_tuple(self) -> None:
        split = step(_split)
        flow = workflow("flow", load >> split >> train.reads(ratings="test"))

        assert source(flow.plan, "train", "ratings") == Output("flow/_split", "test")


class _Parts(NamedTuple):
    learn: Ratings
    test: Ratings


def _split(ratings: Ratings) -> _Parts:
    return _Parts(Ratings(ratings[1:]), Ratings(ratings[:1]))
