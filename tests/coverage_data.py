"""Delete what killed processes left of their coverage: `python -m tests.coverage_data`, before `coverage combine`.

Tests kill processes, some of them while coverage writes its file, without a journal, at their end. `coverage combine`
ends at the first such file.
"""

from pathlib import Path

from coverage import CoverageData
from coverage.exceptions import CoverageException


def delete_broken(folder: Path) -> list[Path]:
    """Delete the data files in a folder that cannot be read to their end, and return them."""
    broken = [path for path in sorted(folder.glob(".coverage.*")) if not _is_whole(path)]
    for path in broken:
        path.unlink()
    return broken


def _is_whole(path: Path) -> bool:
    data = CoverageData(str(path), read_only=True)
    try:
        data.read()
        CoverageData(no_disk=True).update(data)
    except CoverageException:
        return False
    return True


if __name__ == "__main__":
    for path in delete_broken(Path.cwd()):
        print(f"Left out {path.name}, which a killed process wrote in part.")
