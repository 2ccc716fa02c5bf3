"""A secret is planted, steps do with it what they should not, and every byte that a run leaves is searched for it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.integration.leaky_steps import failing, leaky

from kaon import secret
from kaon.dsl.backends.prefect.server import prefect_server
from kaon.dsl.secrets import MissingSecret
from kaon.dsl.show import as_text

FLOWS = Path(__file__).with_name("leaky_steps.py")
PLANTED = "planted/sécret-7f3a9c51e2"
"""A value that urlencoding, JSON and repr write differently."""
FORMS = [form.encode() for form in (PLANTED, quote(PLANTED, ""), json.dumps(PLANTED)[1:-1], "7f3a9c51e2")]


def kaon(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KAON_HOME": str(home), "KAON_PLANTED_SECRET": PLANTED, "KAON_WORKERS": "2"}
    command = [sys.executable, "-m", "kaon.cli", *words]
    return subprocess.run(command, env=environment, cwd=home.parent, capture_output=True, text=True, timeout=300)


def found_in(folder: Path) -> list[str]:
    """Return the files below a folder that hold the planted value in any form."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert any(file.name.startswith("prefect.db") for file in files)
    assert any(file.name.startswith("mlflow.db") for file in files)
    return [str(file) for file in files if any(form in file.read_bytes() for form in FORMS)]


@pytest.mark.prefect
def test_no_byte_of_a_run_holds_a_secret_that_its_steps_told_to_everybody(tmp_path):
    home = tmp_path / "home"
    ended = kaon(home, "run", f"{FLOWS}:leaky")
    logs = kaon(home, "logs", "last")

    assert ended.returncode == 0, ended.stderr
    assert len(re.findall(r"printed \*\*\*", logs.stdout)) == 2 + 3  # here, apart and in three items of the wide loop
    assert "shelled ***" in logs.stdout and "shelled to stderr ***" in logs.stdout
    assert b"logged to prefect ***" in b"".join(file.read_bytes() for file in home.glob("prefect/prefect.db*"))
    assert not [form for form in FORMS if form in (ended.stdout + ended.stderr + logs.stdout + logs.stderr).encode()]
    assert found_in(home) == []


@pytest.mark.prefect
def test_no_byte_of_a_failed_run_holds_a_secret_that_its_steps_raised(tmp_path):
    home = tmp_path / "home"
    ended = kaon(home, "run", f"{FLOWS}:failing")
    logs = kaon(home, "logs", "last")

    assert ended.returncode == 1
    assert "ValueError: raised with ***" in logs.stdout
    assert "a command fails with ***" in logs.stdout
    assert "it holds the value of a secret" in ended.stdout + ended.stderr
    assert not [form for form in FORMS if form in (ended.stdout + ended.stderr + logs.stdout + logs.stderr).encode()]
    assert found_in(home) == []


def test_a_plan_holds_the_reference_alone(monkeypatch):
    monkeypatch.setenv("KAON_PLANTED_SECRET", PLANTED)

    for one in (leaky, failing):
        text = one.plan.to_json() + as_text(one.plan) + json.dumps(one.settings_model.model_json_schema())
        assert not [form for form in FORMS if form in text.encode()]
        assert "KAON_PLANTED_SECRET" in text


@pytest.mark.prefect
def test_secrets_are_read_from_prefects_blocks(server):
    from prefect.blocks.notifications import SlackWebhook
    from prefect.blocks.system import Secret as SecretBlock

    with prefect_server(server):
        SecretBlock(value="from a block").save("kaon-test")
        SlackWebhook(url="https://example.org/hook").save("kaon-hook")
        whole, field = secret("prefect:kaon-test").reveal(), secret("prefect:kaon-hook/url").reveal()
        typed = secret("prefect:slack-webhook/kaon-hook/url").reveal()

        with pytest.raises(MissingSecret) as missing:
            secret("prefect:kaon-none").reveal()
        with pytest.raises(MissingSecret, match=r"its fields are: .*url"):
            secret("prefect:kaon-hook/nothing").reveal()

    assert (whole, field, typed) == ("from a block", "https://example.org/hook", "https://example.org/hook")
    assert "has no Secret block called 'kaon-none'" in str(missing.value)
    assert 'Secret(value=…).save("kaon-none")' in str(missing.value)
