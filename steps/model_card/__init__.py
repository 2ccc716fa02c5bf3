"""A model card (Mitchell et al. 2019): what a published model is for, and how good it is for whom."""

from ..receipt import Receipt
from ..stability_report import StabilityReport
from .facts import CardFacts
from .page import model_card_page

__all__ = ["CardFacts", "Receipt", "StabilityReport", "model_card_page"]
