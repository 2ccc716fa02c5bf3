"""Publishing a bundle as an image: built without network, checked against golden requests, pushed and promoted."""

from .errors import NotPublishable
from .golden_requests import golden_requests
from .image import ship
from .manifest import set_state
from .shipment import Publisher, Shipment, Shipping

__all__ = ["NotPublishable", "Publisher", "Shipment", "Shipping", "golden_requests", "set_state", "ship"]
