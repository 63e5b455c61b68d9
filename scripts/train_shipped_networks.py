"""Train the networks that come with the package: G-RAG for each of three embedders, and HybRank for any.

    python scripts/train_shipped_networks.py g-rag hybrid --data FOLDER [--out FOLDER] [--cache FILE]

The data folder holds `hipporag_subset/musique_train.json` and `migres_subset/musique.json`: 300 questions of MuSiQue
(Trivedi et al., 2022; CC BY 4.0). One fifth of the questions is held out for the figures of the model card; of the
others, those that share a supporting passage with it are left out, since multi-hop questions are made of the same
steps. Seeds are fixed: the same machine writes the same weights. About 5 minutes on two cores, most of it embedding.
Needs torch, and the models all-minilm and bge-small.
"""

from __future__ import annotations

import argparse
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from shortlist import Embedder, StaticEmbedder
from shortlist.models.onnx import OnnxEmbedder
from shortlist.runtime.cache import SqliteCache
from shortlist.runtime.settings import Runtime
from shortlist.training.judged import JudgedList, folds, kept_apart
from shortlist.training.readers import read_judged
from shortlist.training.train import train

SHIPPED = Path(__file__).parents[1] / "packages/core/src/shortlist/models/shipped"
MUSIQUE = ("hipporag_subset/musique_train.json", "migres_subset/musique.json")
NAME, LICENCE = "MuSiQue-Ans, 300 questions with 20 paragraphs each (two public subsets)", "CC BY 4.0"
HELD_OUT, LOSS = 5, 0.02
LOG = logging.getLogger(__name__)

EMBEDDERS: Mapping[str, tuple[Callable[[], Embedder], tuple[str, ...]]] = {
    "static": (StaticEmbedder, ("StaticEmbedder",)),
    "bge-small": (lambda: OnnxEmbedder("bge-small"), ("BAAI/bge-small-en-v1.5", "BAAI/bge-small-en")),
    "all-minilm": (lambda: OnnxEmbedder("all-minilm"), ("sentence-transformers/all-MiniLM-L6-v2", "all-MiniLM-L6-v2")),
}
"""How each is made, and by what other names it goes."""


def main() -> None:
    """Train what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("networks", nargs="+", choices=("g-rag", "hybrid"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--cache", type=Path, help="a file that keeps the vectors for another run")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    lists = [each for name in MUSIQUE for each in read_judged(given.data / name, "musique")]
    runtime = Runtime(cache=None if given.cache is None else SqliteCache(given.cache))
    for network in given.networks:
        for folder, embedders, names in runs(network):
            trained(network, lists, embedders, given.out / folder, names, runtime)


def runs(network: str) -> Sequence[tuple[str, Sequence[Embedder], tuple[str, ...]]]:
    """Folder, embedders, and their other names, of each network of this kind."""
    if network == "hybrid":
        return [("hybrid", [make() for make, _ in EMBEDDERS.values()], ())]
    return [(f"{network}-{name}", [make()], names) for name, (make, names) in EMBEDDERS.items()]


def trained(
    network: str,
    lists: Sequence[JudgedList],
    embedders: Sequence[Embedder],
    folder: Path,
    names: tuple[str, ...],
    runtime: Runtime,
) -> None:
    """One network, in the place of the one that was there."""
    shutil.rmtree(folder, ignore_errors=True)
    held_out = folds(lists, HELD_OUT)[0]
    outcome = train(
        network,
        kept_apart(lists, held_out, relevant=True),
        embedders,
        folder,
        held_out=held_out,
        guard_loss=LOSS,
        data=[NAME],
        licence=LICENCE,
        names=names,
        runtime=runtime,
    )
    for order, row in outcome.figures.items():
        LOG.info("%s %s: %s", folder.name, order, {name: round(each.mean, 4) for name, each in row.items()})


if __name__ == "__main__":
    main()
