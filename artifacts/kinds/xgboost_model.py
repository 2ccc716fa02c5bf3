"""XGBoost models in XGBoost's own binary JSON."""

from __future__ import annotations

from typing import Any, BinaryIO

from ..json_form import Json
from .annotations import is_a, is_anything, refused, unreadable


class XGBoostModelKind:
    """Boosters and the scikit-learn style models; plainly read as a Booster."""

    name = "xgboost_model"

    def accepts(self, annotation: object) -> bool:
        return is_a(annotation, "xgboost", "Booster", "XGBModel")

    def dump(self, value: Any, to: BinaryIO) -> None:
        to.write(_booster(value).save_raw("ubj"))

    def load(self, source: BinaryIO, wanted: object) -> Any:
        import xgboost

        if not (is_anything(wanted) or self.accepts(wanted)):
            raise unreadable(self.name, wanted, "xgboost.Booster and xgboost's scikit-learn style models")
        model: Any = xgboost.Booster() if is_anything(wanted) else wanted()  # type: ignore[operator]
        model.load_model(bytearray(source.read()))
        return model

    def summary(self, value: Any) -> dict[str, Json]:
        booster = _booster(value)
        names = booster.feature_names
        return {
            "rounds": booster.num_boosted_rounds(),
            "features": booster.num_features(),
            "feature_names": list(names) if names else None,
        }


def _booster(value: Any) -> Any:
    if is_a(type(value), "xgboost", "Booster"):
        return value
    if is_a(type(value), "xgboost", "XGBModel"):
        return value.get_booster()
    raise refused(value, "xgboost_model", "xgboost.Booster and xgboost's scikit-learn style models")
