"""Modules of the run's process are found by its workers, also those that no path leads to."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.dsl.places import tasks
from tests.dsl.places.tasks import drive, results, setup, task

from kaon.cli import flow_names
from kaon.dsl.places.imports import ByFile, KnownImports, PackagesOfFiles
from kaon.dsl.places.pool import Pool

FLOW = """
class Ratings:
    def __init__(self, count):
        self.count = count

def double(ratings):
    return Ratings(ratings.count * 2)
"""


@pytest.fixture
def imports_undone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def flow(tmp_path: Path, imports_undone: None) -> ModuleType:
    file = tmp_path / "my-flow.py"
    file.write_text(FLOW)
    return flow_names._executed(file, "flow_file_my_flow")


def test_a_flow_file_under_a_made_up_name_is_found_by_its_file(flow: ModuleType) -> None:
    with Pool(setup, size=1) as pool, pool.worker() as worker:
        [doubled] = results(drive(worker, [task(flow.double, flow.Ratings(21))]))

    assert type(doubled) is flow.Ratings
    assert doubled.count == 42


def test_what_is_imported_after_the_workers_started_is_found_too(tmp_path: Path, imports_undone: None) -> None:
    with Pool(setup, size=1) as pool, pool.worker() as worker:
        drive(worker, [task(tasks.echo, 1)])
        (tmp_path / "late.py").write_text(FLOW)
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "later.py").write_text(FLOW)
        late = flow_names._executed(tmp_path / "late.py", "flow_file_late")
        sys.path.append(str(tmp_path / "folder"))
        later = importlib.import_module("later")
        replies = drive(worker, [task(module.double, module.Ratings(1)) for module in (late, later)])

    assert [type(found) for found in results(replies)] == [late.Ratings, later.Ratings]


def test_a_module_in_a_package_without_a_file_is_found(tmp_path: Path, imports_undone: None) -> None:
    file = tmp_path / "part.py"
    file.write_text(FLOW)
    sys.modules["made_up"] = ModuleType("made_up")
    part = flow_names._executed(file, "made_up.part")

    with Pool(setup, size=1) as pool, pool.worker() as worker:
        replies = drive(worker, [task(part.double, part.Ratings(1))])

    assert type(results(replies)[0]) is part.Ratings


def test_a_module_that_another_hides_is_the_same_in_the_worker(tmp_path: Path, imports_undone: None) -> None:
    for name, text in (("first", "there = 'first'"), ("second", FLOW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hidden.py").write_text(text)
    sys.path.insert(0, str(tmp_path / "first"))
    hidden = flow_names._executed(tmp_path / "second" / "hidden.py", "hidden")

    with Pool(setup, size=1) as pool, pool.worker() as worker:
        replies = drive(worker, [task(hidden.double, hidden.Ratings(1))])

    assert type(results(replies)[0]) is hidden.Ratings


def test_only_what_no_path_leads_to_is_told_by_file(flow: ModuleType) -> None:
    told = dict(what for kind, what in KnownImports().after(0) if kind == "file")  # type: ignore[misc]

    assert told["flow_file_my_flow"] == flow.__file__
    assert not {"json", "json.decoder", "pytest", "kaon", "kaon.dsl.places.pool", "__main__"} & set(told)


def test_news_are_told_once(flow: ModuleType) -> None:
    known = KnownImports()
    first = known.after(0)

    assert known.after(len(first)) == []


def test_a_file_that_was_told_of_is_found_before_the_path_and_its_package_after_it() -> None:
    told = ByFile()
    told.learn([("file", ("made_up.part", "/flows/part.py")), ("file", ("made_up.pack", "/flows/pack/__init__.py"))])
    part, pack = told.find_spec("made_up.part"), told.find_spec("made_up.pack")
    package = PackagesOfFiles(told).find_spec("made_up")

    assert part is not None and (part.origin, part.submodule_search_locations) == ("/flows/part.py", None)
    assert pack is not None and pack.submodule_search_locations == ["/flows/pack"]
    assert package is not None and package.submodule_search_locations == []
    assert PackagesOfFiles(told).find_spec("other") is None


def test_what_poses_as_a_module_and_has_no_names_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library(ModuleType):  # as cffi puts into sys.modules
        def __getattribute__(self, name: str) -> object:
            raise AttributeError(name)

        @property
        def __dict__(self) -> dict[str, object]:  # type: ignore[override]
            raise AttributeError("__dict__")

    monkeypatch.setitem(sys.modules, "_openssl.lib", Library("_openssl.lib"))

    assert not any("_openssl.lib" in str(what) for _, what in KnownImports().after(0))
