"""The coverage of a process that was killed while it wrote it, beside that of others."""

from pathlib import Path

import pytest
from coverage import CoverageData

from .coverage_data import delete_broken


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / ".coverage.host.pid1.whole"
    data = CoverageData(str(path))
    data.add_arcs({f"/src/module_{number}.py": [(line, line + 1) for line in range(300)] for number in range(200)})
    data.write()
    return path


def test_a_file_that_was_written_in_part_is_deleted_and_the_others_stay(whole: Path) -> None:
    content = bytearray(whole.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    in_part = whole.with_name(".coverage.host.pid2.in_part")
    in_part.write_bytes(content)
    assert delete_broken(whole.parent) == [in_part]
    assert whole.exists()


@pytest.mark.parametrize("size", [0, 4096])
def test_a_file_without_its_tables_is_deleted(whole: Path, size: int) -> None:
    cut = whole.with_name(".coverage.host.pid2.cut")
    cut.write_bytes(whole.read_bytes()[:size])
    assert delete_broken(whole.parent) == [cut]
