"""The error for a data set that is not where it should be."""

from pathlib import Path


class MissingDataset(FileNotFoundError):
    """A data set's file is not in the folder; the message says where it is published and under which terms."""

    def __init__(self, name: str, path: Path, *, published: str, terms: str, step: str = "select_users") -> None:
        bundled = "xmrec" if step == "select_users" else "synthetic"
        super().__init__(
            f"data set {name!r} is not at {str(path)!r}: kaon does not bundle it\n"
            f"  published: {published}\n"
            f"  terms: {terms}\n"
            f"  fix: download it and name its folder, as in {step}.folder=FOLDER; "
            f"dataset {bundled!r} needs no download"
        )


def found(name: str, folder: Path, files: tuple[str, ...], *, published: str, terms: str) -> Path:
    """Return the first of `files` that is in the folder, plain or gzipped, or raise MissingDataset."""
    for file in files:
        for path in (folder / file, folder / f"{file}.gz"):
            if path.is_file():
                return path
    raise MissingDataset(name, folder / files[0], published=published, terms=terms)
