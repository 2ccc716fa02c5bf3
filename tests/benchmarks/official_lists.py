"""How well a published bundle ranks the official candidate lists of the WSDM Cup 2022, beside every source alone.

python tests/benchmarks/official_lists.py BUNDLE LISTS QRELS

LISTS and QRELS are the cup's valid_run.tsv and valid_qrel.tsv of one market, gzipped or not. Printed is the mean
nDCG@10 over users of `kaon rank` and of each single source, best first, with the 95 % bootstrap interval, and last the
gain of the ranker over the best source, paired by user.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from kaon.steps.bundle import load_bundle
from kaon.steps.candidates import Lists
from kaon.steps.context_crosses import untold
from kaon.steps.interactions import positions
from kaon.steps.list_ranker import RANKER, judged
from kaon.steps.ranking import bootstrap_interval
from kaon.steps.wsdm_lists import read_lists


def main(bundle_path: Path, lists_path: Path, qrels_path: Path) -> None:
    """Print the table."""
    bundle = load_bundle(bundle_path)
    asked = list(read_lists(lists_path))
    positives = pd.read_csv(qrels_path, sep="\t", dtype=str).groupby("userId")["itemId"].agg(set).to_dict()
    width = max(len(one.item_ids) for one in asked)
    items = np.full((len(asked), width), -1, dtype=np.int64)
    relevant = np.zeros(items.shape, dtype=bool)
    for row, one in enumerate(asked):
        items[row, : len(one.item_ids)] = positions(list(one.item_ids), bundle.sources.item_ids)
        relevant[row, : len(one.item_ids)] = [item in positives.get(one.user_id, ()) for item in one.item_ids]
    users = np.array([bundle.user_row(one.user_id) for one in asked], dtype=np.int64)
    lists = Lists(users, items, relevant, untold(bundle.sources.context, len(users)))
    found = judged(bundle.ranker, bundle.sources, lists)

    table = Table("source", "nDCG@10", title=f"{len(asked)} lists of {lists_path}")
    best_first = sorted(found, key=lambda name: -found[name].mean())
    for name in best_first:
        table.add_row("kaon rank" if name == RANKER else name, str(bootstrap_interval(found[name])))
    single = next(name for name in best_first if name != RANKER)
    gain = bootstrap_interval(found[RANKER] - found[single])
    Console().print(table)
    print(f"kaon rank over {single}: {gain}, {100 * gain.mean / found[single].mean():+.1f} %")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
