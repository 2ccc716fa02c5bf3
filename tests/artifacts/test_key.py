from __future__ import annotations

from typing import Any

import pytest

from kaon.artifacts import digest_bytes, step_key

CALL: dict[str, Any] = {
    "step": "train_als",
    "code": digest_bytes(b"code"),
    "settings": {"rank": 64, "alpha": 40.0},
    "inputs": {"train": digest_bytes(b"train")},
}


def test_the_key_of_a_call_never_changes():
    assert step_key(**CALL) == "sha256:6cab8f8531f04fa6783fb7320acb11de417886bddc90578c633ca33283a77968"


def test_the_order_of_settings_and_inputs_does_not_count():
    assert step_key(**{**CALL, "settings": {"alpha": 40.0, "rank": 64}}) == step_key(**CALL)


@pytest.mark.parametrize(
    "changed",
    [
        {"step": "train"},
        {"code": digest_bytes(b"other")},
        {"settings": {"rank": 64, "alpha": 1.0}},
        {"settings": {"rank": 64.0, "alpha": 40.0}},
        {"settings": {"rank": 64}},
        {"inputs": {"train": digest_bytes(b"other")}},
        {"inputs": {"ratings": digest_bytes(b"train")}},
        {"inputs": {}},
    ],
)
def test_every_part_of_the_call_counts(changed: dict[str, Any]):
    assert step_key(**{**CALL, **changed}) != step_key(**CALL)
