"""What the training steps do, by the libraries alone: read a file, train, write a file. Nothing of Kaon is imported.

python tests/benchmarks/peers/training_alone.py NAME FOLDER    where `training_steps.py prepare` left the files

    train_als         implicit, with the settings of the step
    train_two_tower   a plain PyTorch loop: the same model, as many batches of the same size, one market a batch
    train_ranker      XGBoost on the matrix that the step made of its sources
    build_index       the same two FAISS indices and the same searches, one at a time
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from tests.benchmarks.peers.contender import mark

ALS = {"factors": 64, "iterations": 8, "regularization": 0.1, "alpha": 41.0, "random_state": 0}
DIM, BATCH, UNIFORM, RATE, DECAY, DROPOUT, TEMPERATURE = 64, 512, 256, 3e-3, 0.01, 0.1, 0.2


def train_als(folder: Path) -> None:
    """Write the factors that implicit finds."""
    import implicit
    from scipy import sparse
    from threadpoolctl import threadpool_limits

    mark("began")
    frame = pd.read_parquet(folder / "train.parquet")
    mark("called")
    users, user_ids = frame["user_id"].factorize(sort=True)
    items, item_ids = frame["item_id"].factorize(sort=True)
    met = sparse.csr_matrix((np.ones(len(frame), "f4"), (users, items)), (len(user_ids), len(item_ids)))
    with threadpool_limits(1, user_api="blas"):
        model = implicit.als.AlternatingLeastSquares(**ALS, use_gpu=False)
        model.fit(met, show_progress=False)
        vectors = model.recalculate_user(np.arange(len(user_ids)), met)
    ids = {"user_ids": user_ids.to_numpy(dtype=str), "item_ids": item_ids.to_numpy(dtype=str)}
    mark("returned")
    np.savez(folder / "alone_als.npz", users=vectors, items=model.item_factors, **ids)


def train_two_tower(folder: Path) -> None:
    """Write the weights of the towers that a loop of PyTorch trains for one epoch."""
    import torch
    from safetensors.torch import save_file
    from torch.nn import functional

    torch.set_num_threads(1)
    mark("began")
    frame = pd.read_parquet(folder / "train.parquet")
    mark("called")
    frame = frame.sort_values(["user_id", "item_id"], ignore_index=True)
    users, items, markets = (
        torch.from_numpy(frame[name].factorize(sort=True)[0].astype("i8")) for name in ("user_id", "item_id", "market")
    )
    lengths = torch.bincount(users)
    starts = lengths.cumsum(0) - lengths
    count = int(items.max()) + 1
    torch.manual_seed(0)
    history = torch.nn.EmbeddingBag(count, DIM, mode="sum")
    candidates = torch.nn.Embedding(count, DIM)
    places = torch.nn.Embedding(int(markets.max()) + 1, DIM)
    hidden = torch.nn.Linear(DIM, DIM)
    model = torch.nn.ModuleList([history, candidates, places, hidden])
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY, fused=True)
    of_market = [torch.nonzero(markets == market)[:, 0] for market in range(int(markets.max()) + 1)]
    frequency = [torch.bincount(items[rows], minlength=count) / len(rows) for rows in of_market]
    catalogue = [torch.unique(items[rows]) for rows in of_market]
    batches = [
        (market, part)
        for market, rows in enumerate(of_market)
        for part in torch.tensor_split(rows[torch.randperm(len(rows))], -(-len(rows) // BATCH))
    ]
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(batches))
    for place in torch.randperm(len(batches)).tolist():
        market, rows = batches[place]
        of, own = users[rows], items[rows]
        length = lengths[of]
        ends = length.cumsum(0)
        within = torch.arange(int(ends[-1])) - torch.repeat_interleave(ends - length, length)
        flat = items[torch.repeat_interleave(starts[of], length) + within]
        drawn = torch.cat([own, catalogue[market][torch.randint(len(catalogue[market]), (UNIFORM,))]])
        sums = history(flat, ends - length) - history.weight[own]
        pooled = functional.dropout(sums, DROPOUT) / (length - 1).clamp(min=1)[:, None] + places.weight[market]
        vectors = pooled + torch.tanh(hidden(pooled))  # (batch, DIM)
        expected = len(own) * frequency[market][drawn] + UNIFORM / len(catalogue[market])
        logits = vectors / TEMPERATURE @ candidates(drawn).T - expected.log()  # (batch, batch + UNIFORM)
        met = torch.zeros(len(own), count, dtype=torch.bool)
        met[torch.repeat_interleave(torch.arange(len(own)), length), flat] = True
        met[torch.arange(len(own)), own] = False
        loss = functional.cross_entropy(logits.masked_fill(met[:, drawn], -torch.inf), torch.arange(len(own)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
    mark("returned")
    save_file(model.state_dict(), folder / "alone_tower.safetensors")


def train_ranker(folder: Path) -> None:
    """Write the trees that XGBoost grows on the matrices of the step, as often and with what the step called it."""
    import xgboost

    mark("began")
    mark("called")
    boosters: dict[str, xgboost.Booster] = {}
    for path in sorted(folder.glob("xgboost-*.json")):
        call = json.loads(path.read_text())
        matrices: list[xgboost.QuantileDMatrix] = []
        for name in call["matrices"]:
            arrays = np.load(folder / name)
            first = matrices[0] if matrices else None
            matrices.append(xgboost.QuantileDMatrix(arrays["data"], arrays["label"], qid=arrays["qid"], ref=first))
        evals = [(matrix, f"held_out_{place}") for place, matrix in enumerate(matrices[1:])]
        boosters[path.stem] = xgboost.train(
            call["parameters"],
            matrices[0],
            call["rounds"],
            evals=evals,
            early_stopping_rounds=call["patience"],
            verbose_eval=False,
        )
    mark("returned")
    for name, booster in boosters.items():
        booster.save_model(folder / f"alone_{name}.ubj")


def build_index(folder: Path) -> None:
    """Write the FAISS index that the step writes, after searches in both."""
    import faiss
    from threadpoolctl import threadpool_limits

    mark("began")
    arrays = np.load(folder / "als.npz")
    items, users = arrays["items"], arrays["users"]
    mark("called")
    users = users[np.random.default_rng(0).permutation(len(users))[:1000]]
    exact = faiss.IndexFlatIP(items.shape[1])
    graph = faiss.IndexHNSWFlat(items.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction, graph.hnsw.efSearch = 80, 64
    for index in (exact, graph):
        with threadpool_limits(1):
            index.add(items)
            for row in range(len(users)):
                index.search(users[row : row + 1], 10)
    mark("returned")
    faiss.write_index(graph if len(items) >= 15_000 else exact, str(folder / "alone_index.faiss"))


ALONE: dict[str, Callable[[Path], None]] = {
    "train_als": train_als,
    "train_two_tower": train_two_tower,
    "train_ranker": train_ranker,
    "build_index": build_index,
}


def main(name: str, folder: Path) -> None:
    """Train, and mark when that began, the imports behind it, and ended."""
    ALONE[name](folder)
    mark("ended")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
