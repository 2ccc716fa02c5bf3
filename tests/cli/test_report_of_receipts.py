"""What the report of a run says of a receipt's shipment."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from kaon.cli.report import print_report


@pytest.mark.parametrize(
    ("shipment", "said"),
    [
        (
            {"published_as": "image", "tags": ["shop:1a2b", "shop:champion"], "url": "http://127.0.0.1:8000"},
            "shop:1a2b, serves at http://127.0.0.1:8000",
        ),
        ({"published_as": "image", "tags": ["shop:1a2b"], "url": ""}, "shop:1a2b, serves nowhere yet"),
        ({"published_as": "bundle", "tags": [], "url": ""}, "bundle alone, serves nowhere yet"),
        ({"something": "else"}, "1 entries"),
    ],
)
def test_a_shipment_is_told_by_its_image_and_where_it_serves(shipment, said):
    receipt = SimpleNamespace(kind="json", id=1, keys={}, attempt=1)
    records = SimpleNamespace(outputs=lambda run: [("publish", "receipt", receipt)])
    store = SimpleNamespace(records=records, get=lambda artifact: {"name": "shop", "shipment": shipment})
    printed = io.StringIO()

    print_report(Console(file=printed, width=120), store, 1, ["receipt"])

    assert f"shipment  {said}\n" in printed.getvalue()
