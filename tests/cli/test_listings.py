"""runs, status, logs, artifacts, artifact, publish list: for people, and as JSON."""

import json
import re

import pytest
from rich.console import Console
from tests.dsl.backends.summed import here

from kaon import open_store, run
from kaon.cli.printed import table


def shown(text: str) -> str:
    """Return the text without the spaces that align columns."""
    return re.sub(r" +(\n|$)", r"\1", re.sub(r" +", " ", text))


def test_runs_come_newest_first_with_state_and_reason(ran, call):
    listed = call("runs", project=ran)
    described = json.loads(call("runs", "--json", project=ran).out)

    assert listed.code == 0
    assert shown(listed.out).startswith("run workflow state started time backend reason")
    assert [run["run"] for run in described] == sorted((run["run"] for run in described), reverse=True)
    failed = next(run for run in described if run["run"] == 2)
    assert (failed["workflow"], failed["state"], failed["backend"]) == ("demo", "failed", "local")
    assert failed["reason"] == "demo/repeat[1]/for_each[market=us]/fit: ValueError: cannot fit us"
    assert failed["settings"]["fit.fail_on"] == "us"


def test_runs_are_listed_by_their_state(ran, call):
    failed = json.loads(call("runs", "--state", "failed", "--json", project=ran).out)

    assert failed and {run["state"] for run in failed} == {"failed"}
    assert call("runs", "--state", "held", project=ran).out == "no run fits: kaon runs\n"


def test_on_a_narrow_terminal_lines_break_between_words(capsys):
    rows = [("7", "learning", "completed", "2026-11-28 23:52:22", "2 items failed, and the run went on without them")]
    made = table(("run", "workflow", "state", "started", "reason"), rows, right=("run",))
    Console(width=56, highlight=False).print(made)
    told = capsys.readouterr().out

    assert {"learning", "completed", "2026-11-28", "23:52:22", "without"} <= set(told.split())
    assert max(map(len, told.splitlines())) <= 56


def test_a_store_without_runs_says_so(call):
    assert call("runs").out == "no runs yet: kaon run FLOW\n"
    assert json.loads(call("runs", "--json").out) == []


def test_status_shows_every_item_and_attempt_with_its_reason(ran, call):
    told = shown(call("status", "2", project=ran).out)

    assert re.search(r"\nrepeat\[1\]/for_each\[market=us\]/fit failed [\d.]+ m?s 1 ValueError: cannot fit us\n", told)
    assert "\nfind skipped 0 same code, settings and inputs as run 1\n" in told
    assert "\nrun 2 of demo failed in " in told
    assert "\n reason demo/repeat[1]/for_each[market=us]/fit: ValueError: cannot fit us\n" in told


def test_status_as_json_has_every_step_with_keys_attempt_and_error(ran, call):
    status = json.loads(call("status", "2", "--json", project=ran).out)
    failed = next(step for step in status["steps"] if step["state"] == "failed")

    assert status["state"] == "failed"
    assert (failed["path"], failed["keys"], failed["attempt"]) == (
        "demo/repeat/for_each[market]/fit",
        {"market": "us"},
        [1],
    )
    assert 'raise ValueError(f"cannot fit {market}")' in failed["error"]


def test_logs_show_what_steps_printed_and_told_with_the_place(ran, call):
    everything = call("logs", "1", project=ran).out
    of_fit = call("logs", "1", "fit", project=ran).out
    described = json.loads(call("logs", "1", "fit", "--json", project=ran).out)

    assert re.search(r"^\d\d:\d\d:\d\d  find  looking for them$", everything, re.MULTILINE)
    assert [line[10:] for line in of_fit.splitlines()] == [
        "repeat[1]/for_each[market=ca]/fit   50% epoch 1 of 2",
        "repeat[1]/for_each[market=us]/fit   50% epoch 1 of 2",
    ]
    assert [(said["kind"], said["text"]) for said in described] == [("progress", "epoch 1 of 2")] * 2


def test_artifacts_list_what_a_run_made_and_what_it_reused(ran, call):
    described = json.loads(call("artifacts", "2", "--json", project=ran).out)
    told = shown(call("artifacts", "1", project=ran).out)

    assert {(artifact["name"], artifact["run"]) for artifact in described} >= {("numbers", 1), ("scores", 2)}
    assert re.search(r"\n \d+ numbers json \d+ B this run items 4\n", told)
    assert re.search(r"\n \d+ scores metrics market=ca, attempt 1 \d+ B this run ndcg 0.4\n", told)


def test_checkpoints_are_listed_with_the_step_that_kept_them_and_when(tmp_path, monkeypatch, call):
    monkeypatch.setenv("KAON_HOME", str(tmp_path))
    monkeypatch.setenv("BEGAN", str(tmp_path / "began"))
    run(here, store=open_store())

    told = shown(call("artifacts", "1").out)
    described = json.loads(call("artifacts", "1", "--json").out)

    assert re.search(r"\n \d+ checkpoint json \d+ B add_rounds, meanwhile at 1, measured total 1\.3", told)
    assert [one["summary"]["at"] for one in described if one["name"] == "checkpoint"] == [1, 2, 3, 4, 5]


def test_an_artifact_shows_its_summary_a_preview_and_its_lineage(ran, call):
    made = json.loads(call("artifacts", "1", "--json", project=ran).out)
    table = [artifact for artifact in made if artifact["name"] == "table"][-1]
    told = shown(call("artifact", str(table["id"]), project=ran).out)
    described = json.loads(call("artifact", str(table["id"]), "--json", project=ran).out)

    assert told.startswith(f"table #{table['id']}\n kind table\n")
    assert " made by demo/repeat/choose, attempt 2, run 1, " in told
    assert "\n market ndcg\n ca 0.4\n" in told
    assert re.search(r"\nmade from\n total #\d+ \(json\) from demo/repeat/add, run 1\n numbers #\d+", told)
    assert described["digest"] == table["digest"]
    assert all(edge[0] != edge[1] for edge in described["lineage"]["upstream"])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("status", "99"), "there is no run 99\n"),
        (
            ("status", "first"),
            "'first' is not the number of a run\n\n  fix: kaon runs lists every run with its number\n",
        ),
        (("logs", "99"), "there is no run 99\n"),
        (("logs", "1", "fi"), "run 1 has no step 'fi'\n\n  fix: did you mean 'fit'?\n"),
        (("artifacts", "99"), "there is no run 99\n"),
        (("artifact", "9999"), "there is no artifact 9999\n"),
        (
            ("artifact", "x"),
            "'x' is not the number of an artifact\n\n  fix: kaon artifacts RUN lists those of a run with their ",
        ),
        (
            ("logs", "1", "fit[market=xx]"),
            "run 1 has run no 'fit[market=xx]'\n\n  why: none of its steps is for this item\n",
        ),
        (("status", "9" * 20), f"'{'9' * 20}' is not the number of a run\n"),
        (("artifact", "9" * 20), f"'{'9' * 20}' is not the number of an artifact\n"),
        (("logs", "1", "fit[point=1]"), "run 1 has run no 'fit[point=1]'\n"),
    ],
)
def test_what_is_not_there_exits_with_2_and_says_where_to_look(ran, call, arguments, error):
    called = call(*arguments, project=ran)

    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(error)


def test_the_last_run_of_an_empty_store_is_an_error_that_says_how_to_make_one(call):
    called = call("status", "last")

    assert called.code == 2
    assert called.err.startswith("there is no run yet\n")
    assert called.err.endswith("fix: kaon run FLOW\n")


def test_a_home_can_be_named_on_the_command_line(ran, call):
    assert json.loads(call("runs", "--json", "--home", str(ran.home)).out) != []
