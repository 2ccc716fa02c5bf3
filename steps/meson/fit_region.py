"""The model of one region, in R: base R alone, which reads and writes CSV."""

import pandas as pd
import pyarrow as pa

from kaon.dsl import shell_step

fit_region = shell_step(
    "Rscript fit_region.R {region_train} {neighbours} {k} {shrinkage} {attempt}",
    name="fit_region",
    inputs={"region_train": pd.DataFrame, "attempt": int},
    outputs={"neighbours": pa.Table},
    settings={"k": 20, "shrinkage": 20.0},
    formats={"region_train": "csv", "neighbours": "csv"},
    doc="Return the nearest items of every item of a region. Another attempt shrinks less.",
)
