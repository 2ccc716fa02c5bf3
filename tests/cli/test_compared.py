"""artifact --history and diff: what past runs gave, and what differs between two of them."""

import json
import re


def shown(text: str) -> str:
    """Return the text without the spaces that align columns."""
    return re.sub(r" +(\n|$)", r"\1", re.sub(r" +", " ", text))


def test_the_history_of_an_artifact_has_a_line_for_each_run_and_says_what_is_missing(ran, call):
    listed = shown(call("artifacts", "1", project=ran).out)
    metrics = re.search(r"^ *(\d+) \w+ metrics .*market=us", listed, re.MULTILINE)
    assert metrics
    told = call("artifact", metrics[1], "--history", project=ran)

    assert told.code == 0
    assert re.search(r"\nrun 2 [\d-]+ [\d:]+ failed –", shown(told.out))
    assert re.search(r"\nrun 1 [\d-]+ [\d:]+ completed [\d.,]+", shown(told.out))
    runs = json.loads(call("artifact", metrics[1], "--history", "--json", project=ran).out)
    assert [(run["run"], run["artifact"] and run["artifact"]["id"]) for run in runs] == [
        (1, int(metrics[1])),
        (2, None),
    ]


def test_the_difference_of_an_artifact_and_itself_is_none(ran, call):
    told = call("diff", "1", "1", project=ran)

    assert told.code == 0 and told.out.startswith("Both have the same content, byte for byte.")


def test_a_difference_with_what_is_not_there_is_refused(ran, call):
    assert "there is no artifact 9999" in call("diff", "1", "9999", project=ran).err
    assert call("diff", "1", "x", project=ran).code == 2
