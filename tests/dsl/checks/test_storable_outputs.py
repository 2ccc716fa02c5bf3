"""What is said of outputs that nothing can store."""

# ruff: noqa: E501  what an error says is pinned as it is printed

from collections.abc import Callable

from tests.dsl.flow_file import text

Mistake = Callable[[str], str]


def test_an_output_that_no_kind_stores(mistake: Mistake) -> None:
    error = mistake(
        """
        class Connection: ...

        @step(output="connection")
        def connect() -> Connection: ...

        flow = workflow("flow", connect)
        """
    )

    assert error == text(
        """
        no kind of artifact can store 'connection: Connection', an output of connect

          my_flow.py:6
            6 | flow = workflow("flow", connect)
              |                         ^^^^^^^

          why: the installed kinds are: array, directory, factor_model, faiss_index, figure, file, json, metrics, table, text, torch_module, xgboost_model
          fix: return a type that one of them stores (a dataclass or pydantic model is stored as json), or add a kind under the entry point group kaon.kinds
        """
    )


def test_one_of_several_outputs_that_no_kind_stores(mistake: Mistake) -> None:
    error = mistake(
        """
        from collections.abc import Iterator

        class Opened(NamedTuple):
            rows: int
            reader: Iterator[int]

        @step
        def open_table() -> Opened: ...

        flow = workflow("flow", open_table.rename(reader="stream"))
        """
    )

    assert error == text(
        """
        no kind of artifact can store 'reader: Iterator[int]', an output of open_table

          my_flow.py:10
           10 | flow = workflow("flow", open_table.rename(reader="stream"))
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

          why: the installed kinds are: array, directory, factor_model, faiss_index, figure, file, json, metrics, table, text, torch_module, xgboost_model
          fix: return a type that one of them stores (a dataclass or pydantic model is stored as json), or add a kind under the entry point group kaon.kinds
        """
    )
