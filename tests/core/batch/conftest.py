"""Rows, and files of them."""

import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

WORDS = [f"word{i}" for i in range(60)]


def made_rows(n, seed=7):
    """Rows with what retrievers tell of passages; some have no passages, all have an id."""
    chance = random.Random(seed)
    return [
        {
            "id": f"q{i}",
            "query": " ".join(chance.choices(WORDS, k=3)),
            "passages": [
                {"text": " ".join(chance.choices(WORDS, k=12)), "id": f"p{i}-{j}", "score": chance.random()}
                for j in range(i % 7)
            ],
        }
        for i in range(n)
    ]


def write_rows(path, rows, **options):
    """As the suffix says."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, **options)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read_rows(path):
    """What an output says, both formats in the same form."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def rows():
    return made_rows


@pytest.fixture
def write():
    return write_rows


@pytest.fixture
def read():
    return read_rows
