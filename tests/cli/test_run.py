"""`kaon run`: what it prints, what it reuses, and how it exits."""

import json
import re
import signal
import time

import pytest

from kaon.dsl.backends.prefect import own_server

LOCAL = ("--backend", "local", "--no-mlflow")


def test_a_run_ends_with_its_report_the_time_per_step_its_attempts_and_where_to_look(project):
    ended = project.kaon("run", "flows/demo.py", *LOCAL)

    assert ended.returncode == 0
    told = re.sub(r" +(\n)|( ) +", r"\1\2", ended.stdout)
    assert "table table, kaon artifact " in told
    assert "\nmarket ndcg\nca 0.4000\nus 0.4000\n" in told
    assert re.search(r"\nrepeat/for_each\[market\]/fit 2 completed, 2 skipped [\d.]+ m?s", told)
    assert "\nrepeat until stable: 2 of at most 3 attempts\n" in told
    assert re.search(r"\nrun 1 of demo completed in [\d.]+ m?s\n steps kaon status 1\n", told)
    assert ended.stderr == ""


def test_a_second_run_reuses_everything_unless_a_step_is_forced(ran):
    again = ran.kaon("run", "flows/demo.py", *LOCAL)
    forced = ran.kaon("run", "flows/demo.py", "--force", "add", *LOCAL)

    assert "running" not in again.stdout
    assert "↷ find skipped: same code, settings and inputs as run 1" in again.stdout
    assert "✓ add (attempt 1) completed" in forced.stdout
    assert "✓ find completed" not in forced.stdout


def test_a_failed_run_exits_with_1_and_shows_the_users_own_lines_only(project):
    ended = project.kaon("run", "flows/demo.py", "fit.fail_on=us", *LOCAL)

    assert ended.returncode == 1
    assert "✓ fit (market=ca, attempt 1) completed" in ended.stdout
    assert (
        "failed demo/repeat[1]/for_each[market=us]/fit\n"
        "  Traceback (most recent call last):\n"
        f'    File "{project.folder}/steps/work.py", line 35, in fit\n'
        '      raise ValueError(f"cannot fit {market}")\n'
        "  ValueError: cannot fit us\n"
    ) in ended.stdout
    assert "run 1 of demo failed in" in ended.stdout
    assert "kaon/dsl" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ("find.mny=3",),
            "there is no setting 'find.mny'\n\n"
            "  why: a setting is an input that nothing upstream provides, with a default; or a declared parameter\n"
            "  fix: did you mean 'find.many'?\n",
        ),
        (
            ("find.many=three",),
            "find.many='three' does not fit\n\n"
            "  why: input should be a valid integer, unable to parse string as an integer\n"
            "  fix: give find.many another value\n",
        ),
        (
            ("find.many",),
            "'find.many' is not of the form name=value\n\n"
            "  why: what follows FLOW are settings, such as train_als.rank=8\n"
            "  fix: find.many=…\n",
        ),
        (
            ("--force", "ad"),
            "there is no step 'ad' to force\n\n  fix: did you mean 'add'?\n",
        ),
    ],
)
def test_a_wrong_call_exits_with_2_and_says_what_to_mend(project, arguments, error):
    ended = project.kaon("run", "flows/demo.py", *arguments, "--backend", "local", "--no-mlflow")

    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", error)
    assert not project.home.exists(), "nothing is stored before the call is right"


@pytest.mark.parametrize(
    "arguments", [("run", "flows/demo.py", "--no-mlflow"), ("run", "flows/demo.py", *LOCAL), ("up",)]
)
def test_a_home_that_cannot_be_written_is_an_error_that_says_how_to_take_another(project, arguments):
    project.home.write_text("a file, where a folder should be")

    ended = project.kaon(*arguments)

    assert ended.returncode == 1
    assert str(project.home) in ended.stderr
    assert "fix: " in ended.stderr and "KAON_HOME" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.prefect
def test_a_prefect_server_that_does_not_answer_ends_the_run_before_it_begins(project, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")

    ended = project.kaon("run", "flows/demo.py", "--no-mlflow")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("no Prefect server answers at http://127.0.0.1:1/api, which PREFECT_API_URL names\n")
    assert json.loads(project.kaon("runs", "--json").stdout) == []


def test_an_mlflow_that_does_not_answer_is_a_note_and_no_failure(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")

    ended = project.kaon("run", "flows/demo.py", "--backend", "local")

    assert ended.returncode == 0
    assert "note MLflow does not show the whole run" in ended.stdout
    assert "http://127.0.0.1:1" in ended.stdout


def states(project) -> dict[str, str]:
    """Return the states of the last run and of its steps."""
    status = json.loads(project.kaon("status", "last", "--json").stdout)
    return {"run": f"{status['state']}: {status['reason']}"} | {step["step"]: step["state"] for step in status["steps"]}


def test_a_run_that_is_interrupted_is_recorded_as_cancelled_and_keeps_what_finished(project, read_until):
    running = project.start("run", "flows/demo.py", "fit.pause=300", *LOCAL)
    read_until(running, "fit (market=ca, attempt 1) running")
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)

    assert running.returncode == 130
    assert "interrupted: the run is recorded as cancelled, and what finished is kept" in out
    assert "Traceback" not in err
    assert states(project) == {
        "run": "cancelled: interrupted",
        "find": "completed",
        "add": "completed",
        "fit": "cancelled",
    }


def test_sigterm_lets_the_steps_that_run_finish_and_starts_no_others(project, read_until, monkeypatch):
    monkeypatch.setenv("KAON_GRACE", "60")
    running = project.start("run", "flows/demo.py", "fit.pause=300", *LOCAL)
    read_until(running, "fit (market=ca, attempt 1) running")
    running.send_signal(signal.SIGTERM)
    time.sleep(1)
    (project.folder / "hurry").touch()
    out, err = running.communicate(timeout=60)

    assert (running.returncode, err) == (130, "")
    assert "✓ fit (market=ca, attempt 1) completed" in out
    assert "fit (market=us, attempt 1) running" not in out
    assert states(project)["run"] == "cancelled: stopped by SIGTERM"


def test_a_second_sigterm_stops_what_runs(project, read_until, monkeypatch):
    monkeypatch.setenv("KAON_GRACE", "600")
    running = project.start("run", "flows/demo.py", "fit.pause=300", *LOCAL)
    read_until(running, "fit (market=ca, attempt 1) running")
    running.send_signal(signal.SIGTERM)
    time.sleep(1)
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=60)

    assert (running.returncode, err) == (130, "")
    assert (states(project)["run"], states(project)["fit"]) == ("cancelled: stopped by SIGTERM", "cancelled")


def test_items_of_a_loop_are_lines_or_numbers_as_wide_says(project):
    narrow = project.kaon("run", "flows/wide.py", "points.many=60", "--wide", "100", *LOCAL)
    wide = project.kaon("run", "flows/wide.py", "points.many=61", "--wide", "50", "--force", "train", *LOCAL)

    assert (narrow.returncode, wide.returncode) == (0, 0), narrow.stderr + wide.stderr
    assert narrow.stdout.count("✓ train (point=") == 59
    assert wide.stdout.count("✓ train (point=") == 0
    assert "for_each[point] 100%: 60 completed, 1 failed, in" in wide.stdout
    assert "tolerated 1 failures" not in wide.stdout
    assert "tolerated 1 failure that the run went on without\n  ✗ for_each[point=7]/train  ValueError" in wide.stdout


@pytest.mark.parametrize(
    ("arguments", "variables", "error"),
    [
        (("--workers", "0"), {}, "Invalid value for '--workers'"),
        (("--task-runner", "spark"), {}, "Invalid value for '--task-runner'"),
        ((), {"KAON_GRACE": "soon"}, "grace='soon' does not fit\n"),
    ],
)
def test_an_engine_that_cannot_be_is_refused(project, monkeypatch, arguments, variables, error):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ended = project.kaon("run", "flows/demo.py", *arguments, *LOCAL)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert error in ended.stderr


@pytest.mark.prefect
def test_after_a_run_was_killed_the_next_one_adopts_its_server_and_continues_from_what_finished(project, read_until):
    killed = project.start("run", "flows/demo.py", "fit.pause=300", "--no-mlflow")
    read_until(killed, "✓ find completed")
    server = own_server.running(project.home / "prefect")
    assert server is not None
    killed.kill()
    killed.communicate()

    following = project.start("run", "flows/demo.py", "fit.pause=300", "--no-mlflow")
    read_until(following, "↷ find skipped: same code, settings and inputs as run 1")
    assert own_server.running(project.home / "prefect") == server
    (project.folder / "hurry").touch()

    _, err = following.communicate(timeout=300)
    assert (following.returncode, err) == (0, "")
    assert not own_server.answers(server.url, timeout=1)


@pytest.mark.prefect
def test_two_runs_on_prefect_at_once_share_a_server_which_ends_with_them(project):
    first = project.start("run", "flows/demo.py", "fit.pause=3", "--no-mlflow")
    second = project.start("run", "flows/demo.py", "find.many=7")
    outputs = [run.communicate(timeout=300) for run in (first, second)]

    assert [run.returncode for run in (first, second)] == [0, 0], outputs
    assert own_server.running(project.home / "prefect") is None
    assert [err for _, err in outputs] == ["", ""]
    assert all("of demo completed in" in out for out, _ in outputs)


@pytest.mark.prefect
def test_a_run_is_shown_in_mlflow_with_its_settings_and_metrics(project):
    ended = project.kaon("run", "flows/demo.py")
    assert ended.returncode == 0, ended.stderr

    from mlflow.tracking import MlflowClient

    tags = json.loads(project.kaon("status", "1", "--json").stdout)["tags"]
    shown = MlflowClient(tags["mlflow.uri"]).get_run(tags["mlflow.run"])
    assert shown.info.status == "FINISHED"
    assert shown.data.params["find.many"] == "4"
    assert shown.data.metrics["scores.ndcg"] == 0.4
    assert shown.data.tags["kaon.run"] == "1"
