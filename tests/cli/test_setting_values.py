"""name=value, read as the settings say."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from kaon.cli.refusals import CallError
from kaon.cli.setting_values import parse_values


class Train(BaseModel):
    rank: Annotated[int, Field(gt=0)] = 64
    alpha: float = 40.0
    engine: Literal["spark", "implicit"] = "spark"
    label: str = ""
    depth: int | None = None
    shuffle: bool = True


class Settings(BaseModel):
    seed: int = 0
    markets: list[str] = []
    layers: tuple[int, ...] = ()
    weights: dict[str, float] = {}
    train: Train = Train()


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("seed=3", 3),
        ("train.rank=8", 8),
        ("train.alpha=0.5", 0.5),
        ("train.engine=implicit", "implicit"),
        ("train.label=12", "12"),
        ("train.label=a=b", "a=b"),
        ("train.label=", ""),
        ("train.depth=null", None),
        ("train.depth=3", 3),
        ("train.shuffle=false", False),
        ('markets=["ca", "us"]', ["ca", "us"]),
        ("markets=ca, us", ["ca", "us"]),
        ("markets=[]", []),
        ("layers=64,32", (64, 32)),
        ('weights={"ca": 0.5}', {"ca": 0.5}),
    ],
)
def test_a_value_is_read_as_its_setting_wants_it(argument: str, value: object) -> None:
    address, given = next(iter(parse_values(Settings, [argument]).items()))
    step, _, name = address.rpartition(".")

    settings = Settings.model_validate({step: {name: given}} if step else {name: given})

    assert getattr(getattr(settings, step) if step else settings, name) == value


def test_what_does_not_fit_or_is_unknown_is_left_for_the_model_to_say() -> None:
    assert parse_values(Settings, ["train.rank=many", "trian.rank=8"]) == {"train.rank": "many", "trian.rank": "8"}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (["=3"], "'=3' is not of the form name=value"),
        (["seed"], "'seed' is not of the form name=value"),
        (["seed=1", "seed=2"], "'seed' is given twice\n\n  fix: give it once"),
    ],
)
def test_what_is_not_name_equals_value_is_refused(given: list[str], error: str) -> None:
    with pytest.raises(CallError) as raised:
        parse_values(Settings, given)

    assert str(raised.value).startswith(error)
