import io

from rich.console import Console

from kaon.artifacts import open_store
from kaon.cli.published_end import published_lines
from kaon.cli.report import print_report
from kaon.dsl import step, workflow
from kaon.dsl.backends import run

REASONS = [
    "the ranker's gain over neighbours on the test slice, -0.0532 [-0.0947, -0.0086], is not above 0 with evidence",
    "no attempt was stable: see the report",
]


@step(output="receipt")
def publish() -> dict[str, object]:
    return {"state": "published", "note": "a folder alone\n  fix: name an image", "reasons": REASONS}


def printed(width: int) -> list[str]:
    store, out = open_store("memory://"), io.StringIO()
    result = run(workflow("published", publish), {}, store=store)
    print_report(Console(file=out, width=width), store, result.run_id, ["receipt"])
    return out.getvalue().splitlines()


def test_why_something_was_not_validated_can_be_read_whole_on_a_narrow_terminal():
    lines = printed(width=80)

    assert max(map(len, lines)) <= 80 and "…" not in "".join(lines)
    assert "; ".join(REASONS) in " ".join(" ".join(line.split()) for line in lines)


def test_a_long_fact_goes_on_below_its_beginning():
    lines = printed(width=80)

    first = next(number for number, line in enumerate(lines) if line.startswith("  reasons"))
    assert lines[first].index("the ranker's") == len(lines[first + 1]) - len(lines[first + 1].lstrip())


def test_a_fact_of_several_lines_is_one():
    assert "  note     a folder alone   fix: name an image" in printed(width=120)


@step(output="receipt")
def keep_as_challenger(*, validated: bool = False) -> dict[str, object]:
    shipment = {"tags": [], "published_as": "bundle", "notes": []}
    told = {"name": "shop", "version": "1a", "bundle": "/b", "shipment": shipment}
    return {**told, "validated": validated, "reasons": [] if validated else REASONS}


def test_a_run_that_published_what_is_not_validated_says_so_at_its_end_and_why():
    store = open_store("memory://")

    def ends(validated: bool) -> list[str]:
        flow = workflow("shop", keep_as_challenger)
        result = run(flow, {"keep_as_challenger.validated": validated}, store=store)
        return list(published_lines(store, result.run_id, ["receipt"]))

    assert f"  note       not validated, so a challenger only: {'; '.join(REASONS)}" in ends(False)
    assert not any("not validated" in line for line in ends(True))
