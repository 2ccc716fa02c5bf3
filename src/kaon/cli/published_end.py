"""What a run that published leaves behind: what serves now, where, and how to end it."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kaon.artifacts import Store

RECEIPT = "receipt"


def published_lines(store: "Store", run_id: int, report: Collection[str]) -> Iterator[str]:
    """Yield what is to be said about what a run published, or about what it found published; nothing if it did not.

    A receipt tells what was; this asks what serves now, since a run whose publication is skipped changes nothing.

    report: the artifacts that the workflow shows; without a receipt among them nothing is looked for.
    """
    for _, name, artifact in store.records.outputs(run_id) if RECEIPT in report else ():
        if name == RECEIPT and artifact.kind == "json":
            receipt = store.get(artifact)
            if isinstance(receipt, dict) and {"name", "version", "shipment"} <= receipt.keys():
                yield from _told(receipt)


def _told(receipt: Mapping[str, Any]) -> Iterator[str]:
    from kaon.artifacts.publications import serving

    name, version, shipment = receipt["name"], receipt["version"], receipt["shipment"]
    yield f"  published  {name} {version}, {shipment['tags'][0] if shipment['tags'] else receipt['bundle']}"
    if not receipt.get("validated", True):
        yield f"  note       not validated, so a challenger only: {'; '.join(receipt['reasons'])}"
    now = serving(name)
    if now is not None and now.url:
        yield f"  serves     {now.url} (version {now.version}, container {now.container})"
        yield f"  try it     curl -s {now.url}/model"
        yield f"  stop it    kaon publish stop {name}"
    elif shipment["published_as"] == "image":
        yield f"  serve it   kaon publish promote {version} --name {name}"
    else:
        yield f"  serve it   kaon publish promote {version} --name {name} --serve"
    yield from (f"  note       {note}" for note in shipment["notes"])
