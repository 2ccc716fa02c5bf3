"""`kaon status` and `kaon logs`, of runs too wide to read at once, and of what failed in them."""

import json
import re
import signal

import pytest

LOCAL = ("--backend", "local", "--no-mlflow")


def shown(text: str) -> str:
    """Return the text without the spaces that align columns."""
    return re.sub(r" +(\n|$)", r"\1", re.sub(r" +", " ", text))


def said(text: str) -> list[str]:
    """Return the lines of a log without their times."""
    return [line[10:] for line in text.splitlines()]


def test_of_a_wide_run_the_numbers_by_step_come_first_and_then_only_what_failed(ran_wide, call):
    told = shown(call("status", "1", project=ran_wide).out)

    assert told.startswith("step completed failed of time rate left\npoints 1 1 ")
    assert re.search(r"\nfor_each\[point\]/train 297 3 300 [\d.]+ m?s\n", told)
    assert re.search(r"\nfor_each\[point=107\]/train failed [\d.]+ m?s 1 ValueError: no ratings for 107\n", told)
    assert "point=108" not in told


def test_every_item_is_listed_when_asked_for(ran_wide, call):
    told = call("status", "1", "--all", project=ran_wide).out

    assert told.count("]/train ") == 300
    assert "nothing stored for this code, these settings and these inputs" in told


@pytest.mark.parametrize(("flag", "many"), [("--failed", 3), ("--running", 0)])
def test_only_what_failed_or_runs_can_be_asked_for(ran_wide, call, flag, many):
    told = call("status", "1", flag, project=ran_wide).out
    described = json.loads(call("status", "1", flag, "--json", project=ran_wide).out)

    assert told.count("]/train ") == len(described["steps"]) == many
    assert ("nothing of run 1 runs now\n" in told) == (many == 0)


def test_the_json_of_a_wide_run_holds_the_numbers_and_every_step(ran_wide, call):
    described = json.loads(call("status", "1", "--json", project=ran_wide).out)

    train = described["paths"][1]
    assert (train["path"], train["total"], train["counts"]) == (
        "wide/for_each[point]/train",
        300,
        {"completed": 297, "failed": 3},
    )
    assert len(described["steps"]) == 302
    assert described["tags"]["flow"] == str(ran_wide.folder / "flows" / "wide.py")


def test_the_logs_of_what_failed(ran_wide, call):
    failed = said(call("logs", "1", "--failed", project=ran_wide).out)

    assert failed[:6] == [
        "for_each[point=7]/train  point 7",
        f'for_each[point=7]/train  File "{ran_wide.folder}/flows/wide.py", line 17, in train',
        '    raise ValueError(f"no ratings for {point}")',
        "ValueError: no ratings for 7",
        "for_each[point=107]/train  point 107",
        f'for_each[point=107]/train  File "{ran_wide.folder}/flows/wide.py", line 17, in train',
    ]
    assert len(failed) == 12


@pytest.mark.parametrize(
    "named", ["train[point=42]", "train[42]", "for_each[point=42]/train", "wide/for_each[point=42]/train"]
)
def test_the_log_of_one_item(ran_wide, call, named):
    called = call("logs", "1", named, project=ran_wide)

    assert said(called.out) == ["for_each[point=42]/train  point 42"]


def test_the_log_of_one_attempt_of_one_item(ran, call):
    called = call("logs", "1", "fit[market=us, attempt=1]", project=ran)

    assert said(called.out) == ["repeat[1]/for_each[market=us]/fit   50% epoch 1 of 2"]
    assert call("logs", "1", "repeat[2]/for_each[market=us]/fit", project=ran).out == ""


def test_logs_are_read_page_by_page_however_many_there_are(ran_wide, call, monkeypatch):
    whole = call("logs", "1", project=ran_wide).out
    monkeypatch.setattr("kaon.cli.logs.PAGE", 7)

    assert call("logs", "1", project=ran_wide).out == whole
    assert whole.count("  point ") == 300
    assert len(json.loads(call("logs", "1", "--json", project=ran_wide).out)) == 303


def test_logs_are_followed_until_the_run_ends(project, read_until):
    running = project.start("run", "flows/demo.py", "fit.pause=5", "fit.pause_on=us", *LOCAL)
    read_until(running, "fit (market=ca, attempt 1) running")

    followed = project.kaon("logs", "last", "fit", "--follow")

    running.communicate(timeout=60)
    assert (followed.returncode, followed.stderr) == (0, "")
    assert said(followed.stdout) == [
        "repeat[1]/for_each[market=ca]/fit   50% epoch 1 of 2",
        "repeat[1]/for_each[market=us]/fit   50% epoch 1 of 2",
    ]


def test_following_ends_with_ctrl_c(project, read_until):
    running = project.start("run", "flows/demo.py", "fit.pause=300", *LOCAL)
    read_until(running, "fit (market=ca, attempt 1) running")
    following = project.start("logs", "1", "-f")
    read_until(following, "looking for them")

    following.send_signal(signal.SIGINT)

    _, err = following.communicate(timeout=60)
    running.kill()
    running.communicate()
    assert (following.returncode, err) == (0, "")


def test_json_and_follow_are_refused_together(ran, call):
    called = call("logs", "1", "--json", "--follow", project=ran)

    assert called.code == 2
    assert called.err == "--json is one list, and --follow has no end\n\n  fix: give one of them\n"
