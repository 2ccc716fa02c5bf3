"""Steps: functions that still just run, and say what they take and give."""

import inspect
import logging
from datetime import timedelta
from typing import Any

import pytest
from tests.dsl.toys import Model, Ratings, evaluate, find_markets, for_each, load, repeat, train, when

from kaon.dsl import Point, Resources, current_step, step, workflow
from kaon.dsl.context import Message, StepContext, stepping
from kaon.dsl.ir import Expression
from kaon.dsl.signature import REQUIRED, signature_of
from kaon.dsl.values import from_json, is_plain, to_json
from kaon.dsl.where import NOWHERE, Written


def test_a_step_called_directly_just_runs() -> None:
    assert train(Ratings([1, 2, 3]), rank=2) == Model(6)


def test_a_step_called_directly_ignores_what_it_is_given_in_expressions() -> None:
    assert train.with_(rank=100).named("wide")(Ratings([1]), rank=2) == Model(2)


def test_a_step_shows_its_function_to_help_and_inspect() -> None:
    @step(output="rows")
    def count(ratings: Ratings, *, least: int = 1) -> int:
        """Count the rows."""
        return max(len(ratings), least)

    assert (count.__name__, count.__doc__) == ("count", "Count the rows.")
    assert str(inspect.signature(count)).endswith("least: int = 1) -> int")


def test_a_step_is_declared_with_what_its_decorator_says() -> None:
    declare = step(output="rows", retries=2, retry_delay=timedelta(seconds=1), timeout=timedelta(minutes=1))

    definition = declare(_count).definition

    assert (definition.output, definition.retries) == ("rows", 2)
    assert (definition.retry_delay, definition.timeout) == (timedelta(seconds=1), timedelta(minutes=1))
    assert definition.resources == Resources(cpus=1.0, memory="")


def _count(ratings: Ratings) -> int:
    return len(ratings)


def test_a_signature_holds_inputs_with_their_types_defaults_and_help() -> None:
    @step(output="rows")
    def count(ratings: Ratings, *, least: int = 1, most: int = 9) -> int:
        """Count the rows.

        least, most: the bounds
            of the count.
        """
        return min(max(len(ratings), least), most)

    parameters = signature_of(count.definition).parameters

    assert [(p.name, p.annotation, p.default, p.help) for p in parameters] == [
        ("ratings", Ratings, REQUIRED, ""),
        ("least", int, 1, "the bounds of the count."),
        ("most", int, 9, "the bounds of the count."),
    ]
    assert [p.required for p in parameters] == [True, False, False]


def test_annotations_may_be_text_that_names_local_types() -> None:
    class Local(int): ...

    @step(output="rows")
    def count(ratings: "Local") -> "Local":
        return ratings

    assert signature_of(count.definition).outputs == (("rows", Local),)


def test_annotations_may_name_types_of_the_enclosing_function() -> None:
    declared = _declared_with(Model)

    assert signature_of(declared.definition).outputs == (("made", Model),)


def _declared_with(kind: Any) -> Any:
    @step(output="made")
    def make() -> "kind":
        return kind(1)

    return make


@pytest.mark.parametrize(
    ("verb", "shown"),
    [
        (for_each(market="markets"), "for_each(market)"),
        (repeat(until="stable", at_most=3), "repeat(until='stable')"),
        (when("stable"), "when('stable')"),
    ],
)
def test_a_verb_without_body_shows_what_it_is(verb: object, shown: str) -> None:
    assert repr(verb) == shown


def test_an_expression_of_an_unknown_kind_says_what_it_lacks() -> None:
    class Odd(Expression): ...

    with pytest.raises(NotImplementedError, match="Odd does not say which node it stands for"):
        Odd().placed(Written(NOWHERE))


def test_a_list_of_text_may_be_any_iterable_of_values() -> None:
    flow = workflow("flow", load >> for_each(rank=range(2)).do(train))
    listed = workflow("flow", load >> for_each(rank=[0, 1]).do(train))

    assert flow.plan == listed.plan


def test_operators_leave_their_operands_as_they_were() -> None:
    head = load >> train
    head >> evaluate >> find_markets

    assert len(head.parts) == 2


class TestCurrentStep:
    def test_outside_a_run_there_is_no_run(self) -> None:
        assert current_step() == StepContext()
        assert current_step().run_id is None

    def test_outside_a_run_messages_go_to_logging(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, logger="kaon.step"):
            current_step().progress(0.4, "epoch 4 of 10")
            current_step().metrics({"loss": 0.25}, at=4)
            current_step().status("waiting")
            current_step().log("done")

        assert [record.message for record in caplog.records] == [
            "epoch 4 of 10 fraction=0.4",
            "loss=0.25",
            "waiting",
            "done",
        ]

    def test_inside_a_run_messages_go_to_the_run(self) -> None:
        sent: list[Message] = []

        with stepping(StepContext("flow/train", run_id=7, attempt=2, send=sent.append)):
            current_step().progress(1.7)
            current_step().metrics({"loss": 1}, at=3)
            attempt = current_step().attempt

        assert sent == [
            Message("progress", "", {"fraction": 1.0}),
            Message("metric", "", {"loss": 1.0}, 3),
        ]
        assert attempt == 2
        assert current_step().run_id is None

    def test_after_a_step_that_failed_there_is_no_current_step(self) -> None:
        with pytest.raises(RuntimeError), stepping(StepContext("flow/train", run_id=7)):
            raise RuntimeError

        assert current_step().run_id is None


class TestResources:
    @pytest.mark.parametrize(
        ("memory", "size"), [("", None), ("1000", 1000), ("4GiB", 4 * 2**30), ("1.5MB", 1_500_000), ("2KiB", 2048)]
    )
    def test_memory_is_a_number_of_bytes(self, memory: str, size: int | None) -> None:
        assert Resources(memory=memory).memory_bytes == size

    @pytest.mark.parametrize("memory", ["4 gigabytes", "GiB", "-1GiB", "4gib"])
    def test_what_is_no_size_is_refused(self, memory: str) -> None:
        with pytest.raises(ValueError, match="is not a size; write for example memory='4GiB'"):
            Resources(memory=memory)

    def test_a_step_needs_more_than_no_core(self) -> None:
        with pytest.raises(ValueError, match="a step needs more than 0 cores; write cpus=1"):
            Resources(cpus=0)


class TestPoint:
    def test_a_point_is_a_mapping_of_its_values(self) -> None:
        point = Point(rank=32, alpha=1.0)

        assert (point["rank"], list(point), len(point), dict(point)) == (
            *(32, ["rank", "alpha"], 2),
            {"rank": 32, "alpha": 1.0},
        )

    def test_points_are_equal_by_their_values(self) -> None:
        assert Point(rank=1, alpha=2) == Point(alpha=2, rank=1) == {"rank": 1, "alpha": 2}
        assert Point(rank=1) != Point(rank=2)
        assert Point(rank=1) != 1

    def test_equal_points_are_one_key(self) -> None:
        assert {Point(rank=1, alpha=2): "found"}[Point(alpha=2, rank=1)] == "found"
        assert {Point(rank=1): "found"}[Point(rank=1.0)] == "found"

    def test_values_that_have_no_hash_can_be_swept(self) -> None:
        assert {Point(layers=[64, 32]): "found"}[Point(layers=[64, 32])] == "found"

    def test_a_point_is_shown_as_it_is_written(self) -> None:
        assert repr(Point(rank=32, engine="als")) == "Point(rank=32, engine='als')"


class TestValues:
    @pytest.mark.parametrize("annotation", [int, list[str], Model, dict[str, int | None], Any])
    def test_types_that_pydantic_knows_are_plain(self, annotation: object) -> None:
        assert is_plain(annotation)

    def test_other_classes_are_not_plain(self) -> None:
        assert not is_plain(type("Connection", (), {}))

    def test_a_type_with_unhashable_metadata_is_judged_as_well(self) -> None:
        from typing import Annotated

        annotation = Annotated[int, ["a", "list"]]

        assert is_plain(annotation)
        assert from_json(3, annotation) == 3

    def test_values_become_json_and_back(self) -> None:
        raw = to_json([Model(3)])

        assert raw == [{"rank": 3, "seed": 0}]
        assert from_json(raw, list[Model]) == [Model(3)]

    def test_what_does_not_fit_is_named_with_its_place(self) -> None:
        with pytest.raises(ValueError, match=r"^1\.rank: input should be a valid integer"):
            from_json([{"rank": 1}, {"rank": "x"}], list[Model])

    def test_a_value_for_another_class_is_left_as_it_is(self) -> None:
        assert from_json("anything", type("Connection", (), {})) == "anything"
