"""Put into the README what its commands print now: python -m tests.readme.fill

An output that still matches is left alone, so that lines left out by `…` stay out.
"""

import tempfile
from pathlib import Path

from tests.readme.blocks import README, Walk, blocks_of, is_shown

from kaon.dsl.show import as_mermaid


def filled(page: str, folder: Path) -> str:
    """Return the page with the outputs that its blocks have when they are run in the folder."""
    from kaon.flows.recommendations import recommendations

    walk, blocks = Walk(folder), blocks_of(page)
    for block in blocks:
        if block.language == "mermaid":
            page = page.replace(
                f"```mermaid\n{block.text}```", f"```mermaid\n{as_mermaid(recommendations.plan).rstrip()}\n```"
            )
        elif block.shows is not None:
            printed = walk.result(blocks, block).output
            if not is_shown(block.shows, printed):
                output = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())
                before = f"```{block.language}\n{block.text}```\n\n```text\n"
                page = page.replace(f"{before}{block.shows}```", f"{before}{output}\n```")
    return page


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        README.write_text(filled(README.read_text(), Path(folder)))
