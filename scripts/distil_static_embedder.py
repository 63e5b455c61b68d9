"""Distil the static embedder that comes with the package from all-MiniLM-L6-v2.

    python scripts/distil_static_embedder.py TEACHER OUT --questions nq-open-oracle.jsonl.gz --musique musique.json
        --wordnet FOLDER --qulac qulac.json --held-out musique_train.json hotpotqa_train.json dl19/bm25.json

1. A token's first vector is the teacher's mean-pooled output for `[CLS] token [SEP]`, projected on the first principal
   directions of the teacher's sentence vectors and weighted a / (a + p) (model2vec; Arora et al. 2017).
2. The sum of a text's token vectors is regressed on the teacher's vector of the text (tokenlearn).
3. For each query, the softmax over the cosines with passages near to it is fitted to the teacher's
   (Hinton et al. 2015).
4. The space is partly whitened, and each row stored as int8 with one float32 scale.

`distillation_texts.py` says what is trained on, and why MS MARCO is not. About 25 minutes on one CPU core, most of
it the teacher reading. Needs torch, transformers, tokenizers, scipy.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch.nn import functional

import distillation_texts as sources
from shortlist.models.wordpiece import WordPiece
from teacher import Teacher

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

DIMENSION = 256
SIF = 3e-4
PARTIAL_WHITENING = 0.2
TEMPERATURE = 0.1
REGRESSION = 0.3
LONGEST = 400
UNTRAINED = ("[CLS]", "[SEP]", "[MASK]", "[PAD]")
DEVELOPMENT_QUESTIONS = 300


@dataclass(frozen=True)
class Bags:
    """Texts as distinct tokens with weights 1 + ln(count), one after the other."""

    tokens: Indices
    weights: Array
    starts: Indices
    sizes: Indices

    @classmethod
    def of(cls, texts: Sequence[Sequence[int]]) -> Bags:
        """From the token ids of each text."""
        counts = [Counter(text[:LONGEST]) for text in texts]
        sizes = np.array([len(bag) for bag in counts])
        times = np.array([n for bag in counts for n in bag.values()], dtype=np.float32)
        return cls(np.array([t for bag in counts for t in bag]), 1 + np.log(times), sizes.cumsum() - sizes, sizes)

    def embed(self, rows: Indices, vectors: torch.Tensor) -> torch.Tensor:
        """The student: a unit vector for each of the texts in these rows."""
        sizes = self.sizes[rows]
        offsets = sizes.cumsum() - sizes
        flat = np.arange(sizes.sum()) + np.repeat(self.starts[rows] - offsets, sizes)
        tokens, weights = torch.from_numpy(self.tokens[flat]), torch.from_numpy(self.weights[flat])
        sums = functional.embedding_bag(
            tokens, vectors, torch.from_numpy(offsets), mode="sum", per_sample_weights=weights
        )
        return functional.normalize(sums, dim=1)

    def matrix(self, rows: Indices, width: int) -> sparse.csr_matrix:
        """(rows, width): the weight of each token in each text."""
        found = [slice(self.starts[row], self.starts[row] + self.sizes[row]) for row in rows]
        columns = np.concatenate([self.tokens[part] for part in found])
        values = np.concatenate([self.weights[part] for part in found])
        return sparse.csr_matrix((values, columns, np.append(0, self.sizes[rows].cumsum())), shape=(len(rows), width))


def unit(rows: Array) -> Array:
    """Rows made length 1."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def lexical_neighbours(bags: Bags, queries: Indices, pool: Indices, width: int, count: int) -> Indices:
    """For each query the passages of the pool that share the rarest words with it."""
    passages = bags.matrix(pool, width)
    frequency = np.asarray((passages > 0).sum(axis=0)).ravel()
    rarity = np.where(frequency < len(pool) / 5, np.log((len(pool) + 1) / (frequency + 0.5)), 0).astype(np.float32)
    passages = sparse.diags(1 / (0.6 + 0.4 * bags.sizes[pool] / bags.sizes[pool].mean())) @ passages
    asked = bags.matrix(queries, width).multiply(rarity).tocsr()
    return best(lambda rows: (asked[rows] @ passages.T).toarray(), len(queries), pool, count)


def teacher_neighbours(teacher: Array, queries: Indices, pool: Indices, count: int) -> Indices:
    """For each query the passages that the teacher puts nearest."""
    return best(lambda rows: teacher[queries[rows]] @ teacher[pool].T, len(queries), pool, count)


def best(scores: Callable[[slice], Array], queries: int, pool: Indices, count: int) -> Indices:
    """The passages with the highest scores, in no order, some hundred queries at a time."""
    blocks = (slice(start, start + 256) for start in range(0, queries, 256))
    return np.concatenate([pool[np.argpartition(-scores(rows), count, axis=1)[:, :count]] for rows in blocks])


def first_vectors(isolated: Array, projection: Array, bags: Bags) -> Array:
    """Step 1."""
    counts = np.bincount(bags.tokens, minlength=len(isolated)) + 0.5
    weights = SIF / (SIF + counts / counts.sum())
    return (unit(isolated) @ projection * weights[:, None]).astype(np.float32)


def regress(
    vectors: torch.nn.Parameter, bags: Bags, target: torch.Tensor, rows: Indices, rng: np.random.Generator, epochs: int
) -> None:
    """Step 2: minimise 1 - cos(student, teacher)."""
    optimiser = torch.optim.Adam([vectors], lr=3e-3)
    batches = [part for _ in range(epochs) for part in np.array_split(rng.permutation(rows), len(rows) // 1024)]
    for step, batch in enumerate(batches):
        loss = (1 - (bags.embed(batch, vectors) * target[batch]).sum(dim=1)).mean()
        descend(optimiser, loss, 3e-3 * (1 - step / len(batches)))


def imitate(
    vectors: torch.nn.Parameter,
    bags: Bags,
    teacher: torch.Tensor,
    target: torch.Tensor,
    queries: Indices,
    lists: Indices,
    rng: np.random.Generator,
    epochs: int,
) -> None:
    """Step 3: minimise KL(teacher's list || student's list) and, a little, the regression."""
    sharpness = torch.nn.Parameter(torch.tensor(np.log(20.0), dtype=torch.float32))
    optimiser = torch.optim.Adam([vectors, sharpness], lr=2e-3)
    batches = [
        part for _ in range(epochs) for part in np.array_split(rng.permutation(len(queries)), len(queries) // 48)
    ]
    for step, batch in enumerate(batches):
        candidates = lists[batch][:, rng.choice(lists.shape[1], 24, replace=False)]
        rows, inverse = np.unique(np.column_stack([queries[batch], candidates]), return_inverse=True)
        student = bags.embed(rows, vectors)
        place = torch.from_numpy(inverse.reshape(len(batch), -1))
        own = listwise(student[place]) * sharpness.exp()
        wanted = listwise(teacher[rows][place]) / TEMPERATURE
        divergence = functional.kl_div(
            own.log_softmax(1), wanted.log_softmax(1), log_target=True, reduction="batchmean"
        )
        distance = (1 - (student * target[rows]).sum(dim=1)).mean()
        descend(optimiser, divergence + REGRESSION * distance, 2e-3 * (1 - step / len(batches)))


def listwise(group: torch.Tensor) -> torch.Tensor:
    """Cosines of the first vector of each group with the others."""
    return torch.einsum("qd,qcd->qc", group[:, 0], group[:, 1:])


def descend(optimiser: torch.optim.Optimizer, loss: torch.Tensor, rate: float) -> None:
    """One step down the gradient."""
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def whitened(vectors: Array, bags: Bags, rows: Indices) -> Array:
    """Step 4: shrink the directions that all texts share, by their variance to the power `PARTIAL_WHITENING`."""
    sample = bags.embed(rows, torch.from_numpy(vectors)).numpy()
    variances, directions = np.linalg.eigh(sample.T @ sample / len(sample))
    return (vectors @ (directions * np.maximum(variances, 1e-8) ** -PARTIAL_WHITENING)).astype(np.float32)


def reciprocal_rank(vectors: Array, bags: Bags, questions: Indices, lists: Indices) -> float:
    """Mean over held-out questions of 1 / rank of the gold passage, the first of each list."""
    table = torch.from_numpy(vectors)
    asked = bags.embed(questions, table)
    scores = torch.einsum("qd,qcd->qc", asked, bags.embed(lists.ravel(), table).view(*lists.shape, -1)).numpy()
    ahead = (scores > scores[:, :1]) & (lists != lists[:, :1])
    return float((1 / (1 + ahead.sum(axis=1))).mean())


def save(folder: Path, vocabulary: list[str], vectors: Array, facts: dict[str, object]) -> None:
    """Rows that no text can reach are dropped; what is unknown says nothing."""
    kept = [i for i, token in enumerate(vocabulary) if not token.startswith("[unused") and token not in UNTRAINED]
    table = vectors[kept]
    table[[vocabulary[i] for i in kept].index("[UNK]")] = 0
    scales = (np.maximum(np.abs(table).max(axis=1), 1e-9) / 127).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "static.npz", vectors=np.rint(table / scales[:, None]).astype(np.int8), scales=scales)
    (folder / "vocab.txt").write_text("".join(vocabulary[i] + "\n" for i in kept), encoding="utf-8")
    hashes = {name: sha256(folder / name) for name in ("static.npz", "vocab.txt")}
    (folder / "config.json").write_text(json.dumps({**facts, "sha256": hashes}, indent=2) + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    """The digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher", type=Path, help="folder with model.safetensors, tokenizer.json, vocab.txt")
    parser.add_argument("out", type=Path)
    for name in ("questions", "musique", "wordnet", "qulac"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, nargs="+", required=True, help="JSON files never to train on")
    parser.add_argument("--cache", type=Path, help="folder to keep the teacher's vectors in")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Read, train, store."""
    given = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    rng = np.random.default_rng(given.seed)
    texts, pairs = sources.gather(given, random.Random(given.seed), DEVELOPMENT_QUESTIONS)
    reader = Teacher(given.teacher, given.cache)
    vocabulary = (given.teacher / "vocab.txt").read_text(encoding="utf-8").splitlines()
    tokenizer = WordPiece(vocabulary)
    bags = Bags.of([tokenizer.encode(text) for text in texts])
    teacher = unit(reader.embed(texts))
    print(f"{len(texts)} texts, {bags.tokens.size} distinct tokens in them")

    row_of = {text: row for row, text in enumerate(texts)}
    questions, golds = np.array([[row_of[q], row_of[p]] for q, p in pairs]).T
    held = np.concatenate([questions, golds])
    rows = np.setdiff1d(np.flatnonzero(bags.sizes), held)
    pool = np.setdiff1d(np.flatnonzero(bags.sizes >= 20), held)
    queries = np.setdiff1d(np.array([row_of[text] for text in sources.query_like(texts)]), held)
    width = len(vocabulary)
    dev = lexical_neighbours(bags, questions, np.union1d(pool, golds), width, 50)
    dev = np.column_stack([golds, dev])
    lists = np.column_stack(
        [
            lexical_neighbours(bags, queries, pool, width, 28),
            teacher_neighbours(teacher, queries, pool, 12),
            rng.choice(pool, (len(queries), 8)),
        ]
    )

    projection = np.linalg.svd(teacher[rng.choice(rows, 20_000)], full_matrices=False)[2][:DIMENSION].T
    target = torch.from_numpy(unit(teacher @ projection))
    start = first_vectors(reader.isolated(width), projection, bags)
    vectors = torch.nn.Parameter(torch.from_numpy(start.copy()))
    print(f"MRR on held-out questions: before {reciprocal_rank(start, bags, questions, dev):.4f}")
    regress(vectors, bags, target, rows, rng, epochs=4)
    print(f"after regression {reciprocal_rank(vectors.detach().numpy(), bags, questions, dev):.4f}")
    imitate(vectors, bags, torch.from_numpy(teacher), target, queries, lists, rng, epochs=2)
    final = whitened(vectors.detach().numpy(), bags, rng.choice(pool, 14_000))
    print(f"after imitation and whitening {reciprocal_rank(final, bags, questions, dev):.4f}")

    digest = sha256(given.teacher / "model.safetensors")
    save(given.out, vocabulary, final, sources.facts(digest, len(texts), given.seed))


if __name__ == "__main__":
    main()
