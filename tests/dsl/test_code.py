"""The digest of a step's code: what changes it, and what does not.

Each test writes a small package, asks for the digest of its step `train`, changes one file and asks again.
"""

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from kaon.dsl import code, step
from kaon.dsl.code import code_digest

Files = Mapping[str, str]
Digests = Callable[[Files, Files], tuple[str, str]]

PROJECT = {
    "shop/__init__.py": "",
    "shop/steps/__init__.py": "",
    "shop/steps/train.py": """
        from kaon.dsl import step
        import math

        from ..losses import squared
        from ..losses import unused_loss
        from .. import scaling
        from ..scaling import deep as profound
        import shop.names

        RATE = 0.5
        WIDTH: int = 3
        UNUSED = 1

        class Grid:
            '''A grid.'''
            cells = 4
            def area(self) -> int:
                '''Its area.'''
                return self.cells ** 2

        def unrelated() -> int:
            return 1

        @step(output="model")
        def train(ratings: int, *, rank: int = 8) -> float:
            '''Train a model.'''
            from ..late import finish

            total = squared(ratings) * RATE + WIDTH + Grid().area()
            total += scaling.scale(rank) + profound(rank) + shop.names.length()
            return math.sqrt(finish(total))
    """,
    "shop/losses.py": """
        from .numbers import ZERO

        def squared(x: float) -> float:
            return shifted(x) ** 2

        def shifted(x: float) -> float:
            return x - ZERO

        def unused_loss(x: float) -> float:
            return x
    """,
    "shop/numbers.py": "ZERO = 0\nONE = 1\n",
    "shop/scaling.py": """
        def scale(x: float) -> float:
            return 2 * x

        def deep(x: float) -> float:
            return deeper(x)

        def deeper(x: float) -> float:
            return x
    """,
    "shop/late.py": """
        def finish(x: float) -> float:
            return x
    """,
    "shop/names.py": """
        def length() -> int:
            return 4
    """,
}


@pytest.fixture
def digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Digests]:
    """Return a function from files, and files that replace some, to the digests of `train` before and after."""
    loaded = set(sys.modules)

    def both(before: Files, changes: Files) -> tuple[str, str]:
        return digest_in(tmp_path / "before", before), digest_in(tmp_path / "after", {**before, **changes})

    def digest_in(folder: Path, files: Files) -> str:
        _forget(set(sys.modules) - loaded)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(dedent(content), encoding="utf-8")
        (module,) = [path for path, content in files.items() if "def train(" in content]
        with monkeypatch.context() as patched:
            patched.syspath_prepend(str(folder))
            importlib.invalidate_caches()
            named = importlib.import_module(module.removesuffix(".py").replace("/", "."))
            return code_digest(named.train.definition)

    yield both
    _forget(set(sys.modules) - loaded)


def _forget(modules: set[str]) -> None:
    code._source_of.cache_clear()
    for name in modules:
        del sys.modules[name]


def edited(file: str, old: str, new: str) -> Files:
    assert PROJECT[file].count(old) == 1, "the example holds what is replaced once"
    return {file: PROJECT[file].replace(old, new)}


CHANGES = {
    "its own body": edited("shop/steps/train.py", "* RATE + WIDTH", "* RATE - WIDTH"),
    "the default of a setting": edited("shop/steps/train.py", "rank: int = 8", "rank: int = 9"),
    "a constant of its module": edited("shop/steps/train.py", "RATE = 0.5", "RATE = 0.6"),
    "a constant with a type": edited("shop/steps/train.py", "WIDTH: int = 3", "WIDTH: int = 4"),
    "a class it uses": edited("shop/steps/train.py", "self.cells ** 2", "self.cells ** 3"),
    "an attribute of a class it uses": edited("shop/steps/train.py", "cells = 4", "cells = 5"),
    "a helper reached by a relative import": edited("shop/losses.py", "shifted(x) ** 2", "shifted(x) ** 3"),
    "a helper of a helper": edited("shop/losses.py", "x - ZERO", "x + ZERO"),
    "a constant of a helper's helper in another module": edited("shop/numbers.py", "ZERO = 0", "ZERO = 1"),
    "a helper reached through a module": edited("shop/scaling.py", "2 * x", "3 * x"),
    "a helper imported under another name": edited("shop/scaling.py", "deeper(x)\n", "-deeper(x)\n"),
    "a helper of a helper imported under another name": edited("shop/scaling.py", "return x\n", "return -x\n"),
    "a helper imported inside the function": edited("shop/late.py", "return x", "return x + 1"),
    "a helper reached by a module's full name": edited("shop/names.py", "return 4", "return 5"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_digest_changes_with_what_the_step_reaches_in_its_package(change: Files, digests: Digests) -> None:
    before, after = digests(PROJECT, change)

    assert before != after


SAME = {
    "a comment": edited("shop/steps/train.py", "RATE = 0.5", "RATE = 0.5  # a half"),
    "a comment in the body": edited("shop/steps/train.py", "total = squared", "# the sum\n            total = squared"),
    "its docstring": edited("shop/steps/train.py", "'''Train a model.'''", "'''Train a better model.'''"),
    "the docstring of a class": edited("shop/steps/train.py", "'''A grid.'''", "'''A net.'''"),
    "the docstring of a method": edited("shop/steps/train.py", "'''Its area.'''", ""),
    "its layout": edited(
        "shop/steps/train.py", "return math.sqrt(finish(total))", "return   math.sqrt( finish(total) )"
    ),
    "what its decorator says": edited("shop/steps/train.py", '@step(output="model")', '@step(output="als", retries=3)'),
    "an unrelated function": edited("shop/steps/train.py", "return 1\n", "return 2\n"),
    "an unused constant": edited("shop/steps/train.py", "UNUSED = 1", "UNUSED = 2"),
    "a helper that is imported and not used": edited("shop/losses.py", "return x\n", "return -x\n"),
    "an unused constant of another module": edited("shop/numbers.py", "ONE = 1", "ONE = 2"),
    "a new module": {"shop/extra.py": "EXTRA = 1\n"},
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_the_digest_stays_with_what_does_not_change_what_is_computed(change: Files, digests: Digests) -> None:
    before, after = digests(PROJECT, change)

    assert before == after


def test_the_digest_is_the_same_wherever_the_project_lies(digests: Digests) -> None:
    before, after = digests(PROJECT, {})

    assert before == after


FLAT = {
    "steps/__init__.py": "",
    "steps/train.py": """
        from kaon.dsl import step
        from steps.losses import squared
        from shared import scale

        @step(output="model")
        def train(ratings: int) -> int:
            return scale(squared(ratings))
    """,
    "steps/losses.py": "def squared(x: int) -> int:\n    return x ** 2\n",
    "flows/__init__.py": "",
    "flows/training.py": "from steps.train import train\n",
    "shared.py": "def scale(x: int) -> int:\n    return x\n",
}


def test_a_users_own_steps_package_counts(digests: Digests) -> None:
    before, after = digests(FLAT, {"steps/losses.py": "def squared(x: int) -> int:\n    return x ** 3\n"})

    assert before != after


def test_a_module_beside_a_users_packages_counts(digests: Digests) -> None:
    before, after = digests(FLAT, {"shared.py": "def scale(x: int) -> int:\n    return x + 1\n"})

    assert before != after


def test_the_flow_around_a_step_does_not_count(digests: Digests) -> None:
    before, after = digests(FLAT, {"flows/training.py": "from steps.train import train as fit\n"})

    assert before == after


SINGLE = {
    "flow.py": """
        from kaon.dsl import step

        def helper(x: int) -> int:
            return x

        @step(output="other")
        def other() -> int:
            return 1

        @step(output="model")
        def train(ratings: int) -> int:
            return helper(ratings)
    """
}


def test_a_helper_in_a_single_file_counts(digests: Digests) -> None:
    before, after = digests(SINGLE, {"flow.py": SINGLE["flow.py"].replace("return x", "return x + 1")})

    assert before != after


def test_another_step_in_a_single_file_does_not_count(digests: Digests) -> None:
    before, after = digests(SINGLE, {"flow.py": SINGLE["flow.py"].replace("return 1", "return 2")})

    assert before == after


def test_another_step_that_is_called_counts(digests: Digests) -> None:
    calls = SINGLE["flow.py"].replace("helper(ratings)", "helper(ratings) + other()")

    before, after = digests({"flow.py": calls}, {"flow.py": calls.replace("return 1", "return 2")})

    assert before != after


def test_helpers_that_call_each_other_are_followed_once(digests: Digests) -> None:
    cyclic = {
        "flow.py": """
            from kaon.dsl import step

            def even(x: int) -> bool:
                return x == 0 or odd(x - 1)

            def odd(x: int) -> bool:
                return x != 0 and even(x - 1)

            @step(output="model")
            def train(ratings: int) -> bool:
                return even(ratings)
        """
    }

    before, after = digests(cyclic, {"flow.py": cyclic["flow.py"].replace("x != 0", "x > 0")})

    assert before != after


def test_modules_that_import_each_other_are_followed_once(digests: Digests) -> None:
    cyclic = {
        "pkg/__init__.py": "",
        "pkg/a.py": """
            from kaon.dsl import step

            @step(output="model")
            def train(ratings: int) -> int:
                from .b import down
                return down(ratings)

            def up(x: int) -> int:
                from .b import down
                return down(x - 1)
        """,
        "pkg/b.py": "def down(x: int) -> int:\n    from .a import up\n    return up(x) if x else 0\n",
    }

    before, after = digests(cyclic, {"pkg/a.py": cyclic["pkg/a.py"].replace("x - 1", "x - 2")})

    assert before != after


def test_a_helper_that_a_package_hands_on_counts(digests: Digests) -> None:
    handed_on = {
        "pkg/__init__.py": "",
        "pkg/losses/__init__.py": "from .squares import squared\n",
        "pkg/losses/squares.py": "def squared(x: int) -> int:\n    return x ** 2\n",
        "pkg/train.py": """
            from kaon.dsl import step
            from .losses import squared

            @step(output="model")
            def train(ratings: int) -> int:
                return squared(ratings)
        """,
    }

    before, after = digests(handed_on, {"pkg/losses/squares.py": "def squared(x: int) -> int:\n    return x ** 3\n"})

    assert before != after


CONDITIONAL = {
    "flow.py": """
        from kaon.dsl import step

        FAST = True
        if FAST:
            def helper(x: int) -> int:
                return x
        else:
            def helper(x: int) -> int:
                return 0 * x

        try:
            LIMIT = 10
        except ImportError:
            LIMIT = 20

        LOW, HIGH = 1, 2
        COUNT = 1
        COUNT += 1

        @step(output="model")
        def train(ratings: int) -> int:
            return helper(ratings) + LIMIT + HIGH + COUNT
    """
}


@pytest.mark.parametrize(
    ("old", "new"),
    [("return x\n", "return -x\n"), ("LIMIT = 10", "LIMIT = 11"), ("1, 2", "1, 3"), ("COUNT += 1", "COUNT += 2")],
)
def test_what_is_defined_under_a_condition_or_in_several_parts_counts(old: str, new: str, digests: Digests) -> None:
    before, after = digests(CONDITIONAL, {"flow.py": CONDITIONAL["flow.py"].replace(old, new)})

    assert before != after


def test_the_decorator_of_a_helper_counts(digests: Digests) -> None:
    decorated = {
        "flow.py": """
            from kaon.dsl import step

            def doubled(function):
                return lambda x: 2 * function(x)

            @doubled
            def helper(x):
                return x

            @step(output="model")
            def train(ratings: int) -> int:
                return helper(ratings)
        """
    }

    before, after = digests(decorated, {"flow.py": decorated["flow.py"].replace("@doubled", "")})

    assert before != after


def test_an_installed_package_does_not_count(digests: Digests) -> None:
    installed = {
        "site-packages/toolbox.py": "def helper(x: int) -> int:\n    return x\n",
        "flow.py": """
            import sys
            from pathlib import Path
            sys.path.append(str(Path(__file__).parent / "site-packages"))
            from kaon.dsl import step
            from toolbox import helper

            @step(output="model")
            def train(ratings: int) -> int:
                return helper(ratings)
        """,
    }

    before, after = digests(installed, {"site-packages/toolbox.py": "def helper(x: int) -> int:\n    return -x\n"})

    assert before == after


def test_a_value_held_in_a_closure_counts() -> None:
    assert code_digest(closed_over(1).definition) != code_digest(closed_over(2).definition)
    assert code_digest(closed_over(1).definition) == code_digest(closed_over(1).definition)


def test_a_function_held_in_a_closure_counts() -> None:
    assert code_digest(closed_over(_up).definition) != code_digest(closed_over(_down).definition)


def test_a_step_held_in_a_closure_counts() -> None:
    up, down = step(output="up")(_up), step(output="down")(_down)

    assert code_digest(closed_over(up).definition) != code_digest(closed_over(down).definition)


def test_another_object_in_a_closure_counts_by_its_class() -> None:
    assert code_digest(closed_over(object()).definition) == code_digest(closed_over(object()).definition)
    assert code_digest(closed_over(object()).definition) != code_digest(closed_over(Path()).definition)


def closed_over(held: Any) -> Any:
    @step(output="model")
    def train(ratings: int) -> int:
        return int(bool(held)) + ratings

    return train


def _up(x: int) -> int:
    return x + 1


def _down(x: int) -> int:
    return x - 1


def test_code_without_source_counts_by_its_bytecode() -> None:
    one, same, other = (from_text(body) for body in ("x + 1", "x + 1", "x + 2"))

    assert code_digest(one.definition) == code_digest(same.definition)
    assert code_digest(one.definition) != code_digest(other.definition)


def test_a_nested_function_without_source_counts() -> None:
    one, other = from_text("(lambda y: y + 1)(x)"), from_text("(lambda y: y + 2)(x)")

    assert code_digest(one.definition) != code_digest(other.definition)


def from_text(body: str) -> Any:
    names: dict[str, Any] = {"step": step, "__name__": "nowhere"}
    exec(f"@step(output='model')\ndef train(x: int) -> int:\n    return {body}\n", names)
    return names["train"]
