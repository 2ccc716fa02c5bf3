"""The bundled data: the training files of the WSDM Cup 2022 on cross-market recommendation."""

from pathlib import Path

import pandas as pd

from ..interactions import Interactions, interactions

BUNDLED = Path(__file__).parent / "bundled" / "xmrec" / "interactions.parquet"


def xmrec(folder: Path) -> Interactions:
    """Return the 434,296 pairs of five markets (s1 s2 s3 t1 t2) that are bundled; the folder is not read.

    Users belong to one market, items are shared; there is no time. NOTICE beside the file says how it was made.
    """
    return interactions(pd.read_parquet(BUNDLED), source="the bundled xmrec")
