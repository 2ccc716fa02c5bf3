from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from kaon.artifacts import WrongType
from kaon.artifacts.viewers import Opened
from kaon.artifacts.viewers.differences import difference


def test_a_key_that_is_no_column_of_both_tables_is_refused_with_those_that_are(folder_work: Any):
    before, after = (
        Opened(folder_work.store, folder_work.put(pd.DataFrame({"market": ["ca"], "ndcg": [ndcg]}), pd.DataFrame))
        for ndcg in (0.4, 0.5)
    )

    with pytest.raises(WrongType, match="cannot be told apart by 'nosuch'") as caught:
        difference(before, after, ["market", "nosuch"])
    assert "market, ndcg" in caught.value.why
