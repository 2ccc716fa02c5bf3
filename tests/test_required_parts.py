"""Tests that need a missing part are skipped, and fail where KAON_REQUIRE says that the part is there."""

from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py").read_text()

NEEDS_JAVA = """
import pytest

@pytest.mark.spark
def test_that_starts_spark():
    pass

def test_that_needs_nothing():
    pass
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite of two tests on a machine without Java."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(NEEDS_JAVA)
    pytester.makeini("[pytest]\nmarkers = spark: starts Spark")
    monkeypatch.setenv("JAVA_HOME", "/no/java/here")
    monkeypatch.delenv("KAON_REQUIRE", raising=False)
    return pytester


def test_a_test_whose_part_is_missing_is_skipped_with_the_reason(suite):
    result = suite.runpytest_subprocess("-rs")

    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*needs java: there is no '/no/java/here/bin/java'*"])


def test_a_test_whose_part_is_required_and_missing_fails(suite, monkeypatch):
    monkeypatch.setenv("KAON_REQUIRE", "postgres, java")

    result = suite.runpytest_subprocess()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["KAON_REQUIRE says that java is here, and it is not: *"])


def test_a_required_part_that_nobody_knows_is_refused(suite, monkeypatch):
    monkeypatch.setenv("KAON_REQUIRE", "jaba")

    result = suite.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*KAON_REQUIRE names jaba, and the parts are browser, docker, java, postgres, r, registry*"]
    )
