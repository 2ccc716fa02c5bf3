"""Files of any format: pictures and text are shown, others told of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ..amounts import size as size_said
from ..artifact import Artifact
from .blocks import Block, Note, Picture, StoredText, facts
from .opened import Opened
from .said import said

MediaType = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
SIGNS: tuple[tuple[bytes, MediaType], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)
LARGEST_PICTURE = 16 << 20


class FileViewer:
    """A picture by its first bytes, text if its first bytes are some, else name and size."""

    name = "file"
    title = "File"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "file" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        name = said(opened.artifact.summary.get("file", opened.artifact.name))
        told = facts({"file": name, "size": size_said(opened.artifact.size)})
        with opened.path.open("rb") as file:
            head = file.read(8192)
        media_type = picture_type(head)
        if media_type and opened.artifact.size <= LARGEST_PICTURE:
            return [told, Picture(opened.path.read_bytes(), media_type, f"The picture {name}.")]
        if is_text(head):
            return [told, StoredText()]
        return [told, Note("This is no text and no picture that a browser shows; download it to open it.")]


def picture_type(head: bytes) -> MediaType | None:
    """Return what a picture's first bytes say it is, or None for what a page does not show.

    SVG is not shown: it is a document that can hold scripts.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for sign, media_type in SIGNS if head.startswith(sign)), None)


def is_text(head: bytes) -> bool:
    """Say whether the first bytes are those of text in UTF-8.

    >>> is_text(b"hello"), is_text(b"\\x00"), is_text("é".encode()[:1])
    (True, False, True)
    """
    if b"\x00" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3 and error.reason == "unexpected end of data"
    return True
