"""Secrets are named in workflows, read in steps, and written nowhere."""

import io
import json
import logging

import pytest

from kaon import Secret, current_step, open_store, run, secret, step, workflow
from kaon.dsl.secrets import MissingSecret, SecretKept, masked, refuse_secrets

PASSWORD = secret("KAON_TEST_PASSWORD")


@step(output="length")
def log_in(*, password: Secret = PASSWORD) -> int:
    current_step().log(f"with {password} alias {password.reveal()}")
    return len(password.reveal())


@step(output="kept")
def give_away(*, password: Secret = PASSWORD) -> str:
    return f"the password is {password.reveal()}"


def test_a_step_reads_what_the_environment_holds(monkeypatch):
    monkeypatch.setenv("KAON_TEST_PASSWORD", "correct horse battery")

    assert log_in() == len("correct horse battery")


def test_a_secret_shows_its_reference_alone(monkeypatch):
    monkeypatch.setenv("KAON_TEST_PASSWORD", "correct horse battery")
    one = secret("KAON_TEST_PASSWORD")
    one.reveal()

    assert str(one) == repr(one) == f"{one!r}" == "secret('KAON_TEST_PASSWORD')"


def test_what_is_no_reference_is_refused_and_not_repeated():
    with pytest.raises(ValueError) as refused:
        secret("pass word!")

    assert "pass word" not in str(refused.value)
    assert 'secret("NAME")' in str(refused.value)


def test_a_missing_secret_fails_the_step_when_it_starts(monkeypatch):
    monkeypatch.delenv("KAON_TEST_PASSWORD", raising=False)
    result = run(workflow("w", log_in), store=open_store("memory://"), raises=False)

    assert result.failures[0].cause == (
        "MissingSecret: the secret 'KAON_TEST_PASSWORD' is missing\n\n"
        "  why: the environment variable KAON_TEST_PASSWORD is not set in the process that runs the step\n"
        "  fix: set it where the run starts: export KAON_TEST_PASSWORD=…"
    )


def test_an_empty_secret_is_missing(monkeypatch):
    monkeypatch.setenv("KAON_TEST_PASSWORD", "")

    with pytest.raises(MissingSecret, match="is empty"):
        secret("KAON_TEST_PASSWORD").reveal()


def test_an_unknown_source_is_named_with_those_that_are_installed():
    with pytest.raises(
        MissingSecret, match=r"no source of secrets 'vault'(?s:.*)entry points of the group kaon.secrets"
    ):
        secret("vault:db").reveal()


def test_another_secret_is_another_step_and_another_value_of_it_is_not(monkeypatch):
    store = open_store("memory://")
    monkeypatch.setenv("KAON_TEST_PASSWORD", "first value")
    monkeypatch.setenv("KAON_TEST_OTHER", "other value!")
    run(workflow("w", log_in), store=store)
    monkeypatch.setenv("KAON_TEST_PASSWORD", "second one")

    assert run(workflow("w", log_in), store=store)["length"] == len("first value")  # skipped: same reference
    other = run(workflow("w", log_in.with_(password=secret("KAON_TEST_OTHER"))), store=store)
    assert other["length"] == len("other value!")


def test_an_output_that_holds_a_secret_is_refused(monkeypatch):
    monkeypatch.setenv("KAON_TEST_PASSWORD", "correct horse battery")
    result = run(workflow("w", give_away), store=open_store("memory://"), raises=False)

    assert "the output 'kept' cannot be stored: it holds the value of a secret" in result.failures[0].cause
    assert "correct horse" not in result.failures[0].cause


def test_revealed_values_are_masked_as_they_are_and_as_repr_json_and_urls_write_them(monkeypatch):
    value = "pä'ss\"wo/rd\\1"
    monkeypatch.setenv("KAON_TEST_PASSWORD", value)
    secret("KAON_TEST_PASSWORD").reveal()

    for written in (value, repr(value), json.dumps(value), "db://me:p%C3%A4%27ss%22wo%2Frd%5C1@host"):
        assert "***" in masked(written)
        assert "wo" not in masked(written)


def test_each_line_of_a_key_is_masked(monkeypatch):
    monkeypatch.setenv("KAON_TEST_PASSWORD", "-----BEGIN-----\nMIIEvQIBADANBg\n-----END-----\n")
    secret("KAON_TEST_PASSWORD").reveal()

    assert masked("line: MIIEvQIBADANBg.") == "line: ***."


def test_what_is_logged_is_masked_with_its_traceback(monkeypatch):
    monkeypatch.setenv("KAON_TEST_PASSWORD", "correct horse battery")
    value = secret("KAON_TEST_PASSWORD").reveal()
    written = io.StringIO()
    logger, handler = logging.getLogger("kaon.test.secrets"), logging.StreamHandler(written)
    logger.addHandler(handler)
    try:
        raise ValueError(f"no access with {value}")
    except ValueError:
        logger.exception("failed with %s", value)
    finally:
        logger.removeHandler(handler)

    assert written.getvalue().startswith("failed with ***\nTraceback")
    assert "no access with ***" in written.getvalue()
    assert "horse" not in written.getvalue()


def test_a_secret_across_two_chunks_of_an_output_is_found(monkeypatch):
    monkeypatch.setenv("KAON_TEST_PASSWORD", "correct horse battery")
    value = secret("KAON_TEST_PASSWORD").reveal()

    with pytest.raises(SecretKept):
        refuse_secrets(io.BytesIO(b"x" * ((1 << 20) - 5) + value.encode()))
