"""Secrets in Prefect's blocks: `prefect:name`, `prefect:name/field` or `prefect:type/name/field`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kaon.artifacts import kaon_home

from ...secrets import MissingSecret
from .server import PrefectServerError, prefect_server

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import BlockDocument

SECRET = "secret"
"""The type of Prefect's own blocks for secrets, as addresses write it."""


class PrefectBlocks:
    """Reads fields of blocks from the Prefect server of the run, else from that of this home."""

    def read(self, name: str) -> str:
        """Return the text of a Secret block, or of a field of another one.

        Raises MissingSecret if no block, or no field of it, has the name, and if no server answers.
        """
        match name.split("/"):
            case [block]:
                kind, field = SECRET, "value"
            case [block, field]:
                kind = ""
            case [kind, block, field]:
                pass
            case _:
                fix = "write prefect:name, or prefect:type/name/field"
                raise MissingSecret(f"'prefect:{name}' names no block", fix=fix)
        try:
            with _client() as client:
                document = _only(_documents(client, block, kind), name, block)
                return _text(client.read_block_document(document.id), field, name)
        except PrefectServerError as error:
            raise MissingSecret(f"the secret 'prefect:{name}' cannot be read", why=str(error)) from error


@contextmanager
def _client() -> Iterator["SyncPrefectClient"]:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():  # a flow's own server, or the user's
        with get_client(sync_client=True) as client:
            yield client
        return
    with prefect_server(kaon_home()), get_client(sync_client=True) as client:
        yield client


def _documents(client: "SyncPrefectClient", block: str, kind: str) -> list["BlockDocument"]:
    """Return the blocks of a name, without what is secret in them; `kind` empty: of any type."""
    found, offset = list["BlockDocument"](), 0
    while page := client.read_block_documents(offset=offset, limit=200, include_secrets=False):
        found += [one for one in page if one.name == block and kind in ("", _kind(one))]
        offset += len(page)
    return found


def _kind(document: "BlockDocument") -> str:
    return document.block_type.slug if document.block_type is not None else ""


def _only(found: list["BlockDocument"], name: str, block: str) -> "BlockDocument":
    if len(found) == 1:
        return found[0]
    if found:
        kinds = ", ".join(sorted(map(_kind, found)))
        raise MissingSecret(
            f"the secret 'prefect:{name}' could be several",
            why=f"blocks of these types are called {block!r}: {kinds}",
            fix=f"write the type too: prefect:{_kind(found[0])}/{name}",
        )
    what = "block" if "/" in name else "Secret block"
    raise MissingSecret(
        f"the secret 'prefect:{name}' is missing",
        why=f"the Prefect server has no {what} called {block!r}",
        fix=f'make it: Secret(value=…).save("{block}"), or in Prefect\'s UI under Blocks',
    )


def _text(document: "BlockDocument", field: str, name: str) -> str:
    value: Any = document.data
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value
    fields = ", ".join(sorted(document.data)) or "none"
    raise MissingSecret(
        f"the secret 'prefect:{name}' is missing",
        why=f"the block {document.name!r} has no text in {field!r}; its fields are: {fields}",
        fix=f"write prefect:{document.name}/FIELD with one of them",
    )
