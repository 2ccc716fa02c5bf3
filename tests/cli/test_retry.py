"""`kaon retry`: what a run has finished is kept, the rest runs, and calls that cannot be are explained."""

import json

import pytest

LOCAL = ("--backend", "local", "--no-mlflow")


@pytest.fixture
def failed(project):
    """A project with a run that failed for the market us."""
    ended = project.kaon("run", "flows/demo.py", "fit.fail_on=us", *LOCAL)
    assert ended.returncode == 1, ended.stderr
    return project


def states(project, run="1") -> dict[str, str]:
    steps = json.loads(project.kaon("status", run, "--json").stdout)["steps"]
    return {f"{step['step']}{list(step['keys'].values())}{step['attempt']}": step["state"] for step in steps}


def test_a_retry_runs_what_failed_and_what_never_ran_and_nothing_else(failed):
    (failed.folder / "outage").touch()  # what made it fail is over
    retried = failed.kaon("retry", "1", "--failed")

    assert retried.returncode == 0, retried.stdout + retried.stderr
    assert "↷ fit (market=ca, attempt 1) skipped: done before in this run" in retried.stdout
    assert "✓ fit (market=us, attempt 1) completed" in retried.stdout
    assert "find running" not in retried.stdout
    assert "run 1 of demo completed in" in retried.stdout
    assert set(states(failed).values()) <= {"completed", "skipped"}
    assert len(json.loads(failed.kaon("runs", "--json").stdout)) == 1


def test_a_run_is_continued_from_any_folder_in_the_one_it_was_started_in(failed, tmp_path):
    (failed.folder / "outage").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    retried = type(failed)(elsewhere, failed.home).kaon("retry", "last")

    assert retried.returncode == 0, retried.stderr
    assert "↷ fit (market=ca, attempt 1) skipped: done before in this run" in retried.stdout


def test_from_a_step_that_step_and_all_that_follow_it_run_again(ran):
    retried = ran.kaon("retry", "1", "--from", "choose")

    assert retried.returncode == 0, retried.stderr
    assert "✓ choose (attempt 1) completed" in retried.stdout
    assert "✓ choose (attempt 2) completed" in retried.stdout
    assert "fit (market=ca, attempt 1) running" not in retried.stdout


def test_a_run_whose_process_was_killed_is_continued(project, read_until):
    killed = project.start("run", "flows/demo.py", "fit.pause=300", "fit.pause_on=us", *LOCAL)
    read_until(killed, "fit (market=us, attempt 1) running")
    killed.kill()
    killed.communicate()
    (project.folder / "hurry").touch()

    died = project.kaon("status", "1")
    retried = project.kaon("retry", "1")

    assert "run 1 of demo failed" in died.stdout
    assert "reason     its process died: there is no process" in died.stdout
    assert "  continue   kaon retry 1\n" in died.stdout
    assert retried.returncode == 0, retried.stderr
    assert "↷ fit (market=ca, attempt 1) skipped: done before in this run" in retried.stdout


def test_a_run_that_still_runs_is_left_to_its_process(project, read_until):
    running = project.start("run", "flows/demo.py", "fit.pause=30", *LOCAL)
    read_until(running, "fit (market=ca, attempt 1) running")

    retried = project.kaon("retry", "1")

    running.kill()
    running.communicate()
    assert (retried.returncode, retried.stdout) == (2, "")
    assert retried.stderr.startswith("run 1 is still running\n")
    assert "kaon watch 1" in retried.stderr and "kaon cancel 1" in retried.stderr


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("99",), "there is no run 99\n"),
        (
            ("1",),
            "run 1 completed: nothing of it failed\n\n"
            "  fix: kaon retry 1 --from STEP runs a step again, and all that follows it\n",
        ),
        (
            ("1", "--failed", "--from", "choose"),
            "--failed and --from are two ways to continue\n\n  fix: give one of them\n",
        ),
        (
            ("2", "find.many=3"),
            "run 2 keeps its settings, and 'find.many=3' would change them\n\n"
            "  why: its steps would no longer belong together\n"
            "  fix: kaon run FLOW find.many=3 starts a new run, which reuses what does not depend on them\n",
        ),
    ],
)
def test_what_cannot_be_retried_exits_with_2_and_says_what_to_do(ran, call, arguments, error):
    called = call("retry", *arguments, project=ran)

    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(error)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("1", "--from", "choos"), "there is no step 'choos' to run again from\n\n  fix: did you mean 'choose'?\n"),
        (
            ("2", "--flow", "flows/wide.py"),
            "flows/wide.py is the workflow 'wide', and run 2 runs 'demo'\n\n"
            "  fix: kaon retry 2 --flow FLOW, with the FLOW of 'demo'\n",
        ),
    ],
)
def test_what_does_not_fit_the_runs_workflow_exits_with_2(ran, arguments, error):
    called = ran.kaon("retry", *arguments)

    assert (called.returncode, called.stdout) == (2, "")
    assert called.stderr.startswith(error)


def test_a_run_that_does_not_say_its_workflow_asks_for_it(project):
    project_run = f"import sys; sys.path.insert(0, {str(project.folder)!r})\n" + (
        "from kaon import run\nfrom flows.demo import demo\nrun(demo, {'fit.fail_on': 'us'}, raises=False)\n"
    )
    (project.folder / "run_it.py").write_text(project_run)
    project.python("run_it.py")

    refused = project.kaon("retry", "1")
    (project.folder / "outage").touch()
    retried = project.kaon("retry", "1", "--flow", "flows/demo.py")
    again = project.kaon("retry", "1", "--from", "choose")

    assert refused.returncode == 2
    assert refused.stderr == (
        "run 1 does not say where its workflow 'demo' is\n\n"
        "  why: it was not started with `kaon run`\n"
        "  fix: kaon retry 1 --flow FLOW\n"
    )
    assert retried.returncode == 0, retried.stderr
    assert again.returncode == 0, "the run knows it from then on"


def test_a_setting_that_the_workflow_no_longer_has_is_named(failed):
    steps = failed.folder / "steps" / "work.py"
    steps.write_text(
        steps.read_text().replace("enough: int = 2", "at_least: int = 2").replace(">= enough", ">= at_least")
    )

    retried = failed.kaon("retry", "1")

    assert retried.returncode == 2
    assert retried.stderr.startswith("demo no longer has the setting 'choose.enough', which run 1 has\n")
    assert f"kaon run {failed.folder}/flows/demo.py" in retried.stderr
