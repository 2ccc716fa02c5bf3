"""Start a step's function in another Python. Kaon may not be there, so this needs the standard library alone."""

import importlib
import json
import os
import sys
import traceback


def main(folder: str) -> None:
    """Perform the step whose files lie in the folder of a job, and leave what it came to in `out/result.json`."""
    with open(os.path.join(folder, "in", "start.json")) as file:
        about = json.load(file)
    here, sent_by = list(sys.version_info[:2]), about["python"]
    if here != sent_by:
        refuse(
            folder,
            f"PythonDiffers: the step {about['step']!r} was sent by Python {shown(sent_by)}, "
            f"and this place has Python {shown(here)}",
            "functions are sent as bytecode, which differs between minor versions",
            f"use an image with Python {shown(sent_by)}",
        )
    try:
        inside = importlib.import_module("kaon.dsl.backends.jobs.inside")
    except ImportError as error:
        refuse(
            folder,
            f"KaonNotHere: Kaon cannot be imported in this place: {error}",
            "packages must be in the image, or fit it when those of the run are mounted: the same libc and processor",
            "install kaon and what the step needs in the image and write packages='image', or use a Debian-based image "
            "and packages='here'",
        )
    tell(folder, inside.perform_inside(folder))


def refuse(folder: str, problem: str, why: str, fix: str) -> None:
    """Leave the error as the result, and end well: the result says what happened."""
    tell(folder, {"cause": f"{problem}\n  why: {why}\n  fix: {fix}", "traceback": ""})
    sys.exit(0)


def tell(folder: str, result: "dict[str, str]") -> None:
    """Write the result, whole or not at all."""
    path = os.path.join(folder, "out", "result.json")
    with open(path + ".part", "w") as file:
        json.dump(result, file)
    os.replace(path + ".part", path)


def shown(version: "list[int]") -> str:
    """Return a version as people write it."""
    return ".".join(map(str, version))


if __name__ == "__main__":
    job = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        main(job)
    except Exception as error:
        tell(job, {"cause": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()})
