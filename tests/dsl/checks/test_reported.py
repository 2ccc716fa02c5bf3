"""What is said of a report of unknown names."""

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_a_report_of_a_name_nearly_right(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', load >> train, report=['modle'])
        """
    )

    assert error == text(
        """
        the workflow flow reports 'modle', which is not in scope at its end

          my_flow.py:1
            1 | flow = workflow('flow', load >> train, report=['modle'])
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: in scope at the end: model, ratings
          fix: did you mean 'model'?
        """
    )


def test_a_report_of_a_name_that_is_not_there_in_a_workflow_without_outputs(mistake: Mistake) -> None:
    error = mistake(
        """
        flow = workflow('flow', publish.with_(model=dict(rank=1)), report=['model'])
        """
    )

    assert error == text(
        """
        the workflow flow reports 'model', which is not in scope at its end

          my_flow.py:1
            1 | flow = workflow('flow', publish.with_(model=dict(rank=1)), report=['model'])
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: in scope at the end: nothing
          fix: leave it out of report=…
        """
    )
