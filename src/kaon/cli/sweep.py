"""`kaon sweep FLOW`: run a workflow for many values of its settings, and rank what came of them."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .flow_names import lasting_name
from .options import Flow, Home
from .refusals import CallError
from .sweep_order import BATCH, Sampler, Sweep, SweepOrder, sweep_of

if TYPE_CHECKING:
    from kaon.artifacts import Store
    from kaon.dsl import Workflow


def sweep(
    flow: Flow,
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUES",
            help="A setting with one value is fixed: train_als.iterations=5. A list or a range sweeps it: "
            "train_als.rank=32,64,128 train_als.alpha=1..40:log:5 (five values; without :5 any number of the range). "
            "Values that have commas of their own, such as lists, are separated by ;",
        ),
    ] = None,
    sampler: Annotated[
        Sampler | None,
        typer.Option(
            help="grid: every combination; random: --sample points; tpe: Optuna proposes --sample points as results "
            "come; list: --points FILE. Without it: what the other options mean, else grid.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="How many points to draw, or to propose.")] = None,
    seed: Annotated[int, typer.Option(help="Of the sampler; the workflow's own seed is a setting.")] = 0,
    points: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV with a column for each setting, or a JSON list of objects.")
    ] = None,
    maximize: Annotated[
        str | None,
        typer.Option(
            metavar="OUTPUT.METRIC",
            help="Rank by this, such as als_metrics.ndcg@10, and run only what leads to it, a repetition once.",
        ),
    ] = None,
    minimize: Annotated[
        str | None, typer.Option(metavar="OUTPUT.METRIC", help="The same, where less is better.")
    ] = None,
    at_once: Annotated[
        int | None, typer.Option(min=1, help=f"Points that run at the same time; tpe proposes as many. (tpe: {BATCH})")
    ] = None,
    min_success: Annotated[
        str, typer.Option(metavar="N", help="Points that must succeed: a number, or a share such as 0.9.")
    ] = "1",
    backend: Annotated[
        Literal["local", "prefect"], typer.Option(help="prefect: points at once; local: one after the other.")
    ] = "prefect",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes for many points (as many as cores).")
    ] = None,
    wide: Annotated[
        int | None, typer.Option(min=1, help="Points above which they run in worker processes (100).")
    ] = None,
    mlflow: Annotated[bool, typer.Option(help="Mirror the run to MLflow.")] = True,
    home: Home = None,
) -> None:
    """Sweep settings of a workflow, whose code stays as it is, and rank the points in a leaderboard with two figures.

    Steps that do not depend on what varies run once. Points that fail are shown as failed, and the others go on. What
    an earlier run or sweep has stored is reused. Exits as `kaon run` does.
    """
    from kaon.artifacts import open_store
    from kaon.dsl.backends import Engine
    from kaon.dsl.backends.registration import register

    from .carry_out import Order, begin_server, carry_out
    from .flow_names import find_workflow
    from .printed import console

    if backend == "prefect":
        begin_server()
    order = SweepOrder(
        tuple(values or ()),
        sampler,
        sample,
        seed,
        "" if points is None else str(points.absolute()),
        maximize or "",
        minimize or "",
        at_once,
        _least(min_success),
    )
    workflow, terminal, store = find_workflow(flow), console(), open_store()
    made = sweep_of(workflow, order)
    register(store, workflow, flow=lasting_name(flow), folder=os.getcwd())
    for line in announced(made):
        terminal.print(line, markup=False, soft_wrap=True)
    tags = {"flow": lasting_name(flow), "folder": os.getcwd(), "sweep": order.to_json()}
    engine = Engine.from_environment(workers=workers, wide=wide)
    result = carry_out(Order(made.workflow, store, backend, engine, made.settings, tags, mlflow=mlflow))
    for line in concluded(store, result.run_id, made, flow, order):
        terminal.print(line, markup=False, soft_wrap=True)


def swept_again(flow: str, order: str) -> "Workflow":
    """Return the workflow of a sweep that a run's tags tell of: the FLOW and the order of `kaon sweep`."""
    from .flow_names import find_workflow

    return sweep_of(find_workflow(flow), SweepOrder.from_json(order)).workflow


def announced(made: Sweep) -> list[str]:
    """Return how many points there are, what runs once, and what runs for each of them."""
    calls = list(made.workflow.plan.calls())
    inside = f"{made.workflow.name}/sweep["
    each = dict.fromkeys(call.step for call in calls if call.path.startswith(inside))
    once = dict.fromkeys(call.step for call in calls if not call.path.startswith(inside) and call.step != "leaderboard")
    told = [f"{made.count:,} point{'s' if made.count != 1 else ''}: {made.how}"]
    told += [f"  once       {', '.join(once)}"] if once else []
    return [*told, f"  each point {', '.join(each)}"]


def concluded(store: "Store", run_id: int, made: Sweep, flow: str, order: SweepOrder) -> list[str]:
    """Return the best point as a command, and where the figures are."""
    found = {name: artifact for _, name, artifact in store.records.outputs(run_id) if not artifact.keys}
    board: Any = store.get(found["leaderboard"])
    told = [""]
    if order.objective is not None:
        name = order.objective.name
        best = board.slice(0, 1).to_pylist()[0]
        told.append(f"best {name} = {best[name]:.6g}, point {best['point']}")
        settings = {**made.settings, **{address: best[address] for address in made.variables}}
        values = [shlex.quote(f"{address}={_written(value)}") for address, value in settings.items()]
        told.append(f"  run it     kaon run {shlex.quote(flow)} {' '.join(values)}")
    names = ("leaderboard", "parallel_coordinates", "scatter")
    return told + [f"  {name:<20} kaon artifact {found[name].id}" for name in names]


def _written(value: object) -> str:
    """Return a value as it is given on the command line."""
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _least(text: str) -> int | float:
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        fix = "write --min-success 0.9 for nine of ten, or --min-success 10 for ten"
        raise CallError(f"--min-success {text} is no number", fix=fix) from None
