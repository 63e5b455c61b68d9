"""What is read of an input, and how it is cut."""

import io
import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist import InputError, Passage
from shortlist.batch.columns import checked_schema, rows_of_table
from shortlist.batch.lines import rows_of_lines
from shortlist.batch.reading import Reader
from shortlist.batch.shards import Shard, Source, line_starts


def texts(rows):
    return [(query, [passage.text for passage in passages]) for query, passages in rows.requests]


@given(st.binary(max_size=60).map(lambda b: b.replace(b"\x00", b"\n")), st.integers(1, 5), st.integers(1, 7))
def test_lines_begin_where_splitting_says_however_the_file_comes_in_pieces(data, every, piece):
    source = io.BytesIO(data)
    starts, lines, size = line_starts(iter(lambda: source.read(piece), b""), every)
    whole = re.findall(rb"[^\n]*\n|[^\n]+", data)
    assert (lines, size) == (len(whole), len(data))
    assert list(starts) == [sum(map(len, whole[:i])) for i in range(0, len(whole), every)]


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_shards_hold_every_row_once_and_in_order(tmp_path, rows, write, kind, size):
    for name, part in (("a", rows(10)), ("b", []), ("c", rows(3, seed=1))):
        if part or kind == "jsonl":
            write(tmp_path / f"{name}.{kind}", part)
    source = Source.of(tmp_path, size)
    reader = Reader(kind)
    read = [(shard, reader.read(shard)) for shard in source.shards]
    assert [number for _, each in read for number in each.numbers] == list(range(13))
    assert [id_ for _, each in read for id_ in each.ids] == [row["id"] for row in [*rows(10), *rows(3)]]
    assert [shard.number for shard, _ in read] == list(range(len(source.shards)))
    assert all(shard.rows == len(each.numbers) <= size for shard, each in read)


@pytest.mark.parametrize("group", [3, 50])
def test_parquet_is_read_from_anywhere_whatever_its_row_groups(tmp_path, rows, write, group):
    wanted = rows(50)
    path = write(tmp_path / "in.parquet", wanted, row_group_size=group)
    reader = Reader("parquet")
    for start, end in ((0, 7), (7, 20), (33, 40), (40, 41), (2, 5), (49, 50)):
        found = reader.read(Shard(0, str(path), start, end, start, end - start))
        assert found.ids == [row["id"] for row in wanted[start:end]]


def test_rows_of_a_large_group_are_decoded_once(tmp_path, rows, write, monkeypatch):
    path = write(tmp_path / "in.parquet", rows(40))
    opened = []
    whole = pq.ParquetFile.iter_batches
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", lambda *a, **k: opened.append(1) or whole(*a, **k))
    reader = Reader("parquet")
    for start in range(0, 40, 5):
        reader.read(Shard(0, str(path), start, start + 5, start, 5))
    assert len(opened) == 1


STRUCTS = [
    {"text": "a", "id": "1", "score": 0.5, "embedding": [1.0, 2.0], "document_id": "d", "position": 3},
    {"text": "b", "id": None, "score": None, "embedding": [3.0, 4.0], "document_id": None, "position": None},
]


def test_a_passage_comes_with_all_its_fields():
    table = pa.Table.from_pylist(
        [{"query": "q", "passages": [{**each, "metadata": {"year": 1990}} for each in STRUCTS]}]
    )
    ((_, found),) = rows_of_table(table, 0).requests
    vectors = [np.array(each["embedding"], np.float32) for each in STRUCTS]
    wanted = [
        Passage(**{**each, "embedding": vector, "metadata": {"year": 1990}})
        for each, vector in zip(STRUCTS, vectors, strict=True)
    ]
    assert list(found) == wanted
    assert {type(passage.position) for passage in found} == {int, type(None)}


def test_whole_numbers_are_names_too_in_both_formats():
    row = {"id": 7, "query": "q", "passages": [{"text": "a", "id": 12, "document_id": 3}]}
    for found in (rows_of_table(pa.Table.from_pylist([row]), 0), rows_of_lines(json.dumps(row).encode(), 0)):
        (passage,) = found.requests[0][1]
        assert (found.ids, passage.id, passage.document_id) == ([7], "12", "3")


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.string()),
        pa.large_list(pa.large_string()),
        pa.list_(pa.dictionary(pa.int32(), pa.string())),
        pa.list_(pa.struct([("text", pa.string_view())])),
        pa.list_(pa.string(), 2),
    ],
    ids=str,
)
def test_lists_of_every_kind_of_text(kind):
    item = kind.value_type
    values = [["a", "b"], ["c", "d"], ["e", "f"]]
    given_ = [[{"text": t} for t in each] for each in values] if pa.types.is_struct(item) else values
    table = pa.table({"query": pa.array(["x", "y", "z"]), "passages": pa.array(given_, kind)})
    assert checked_schema(table.schema, "in") == "string"
    assert texts(rows_of_table(table, 0)) == list(zip("xyz", values, strict=True))
    assert texts(rows_of_table(table.slice(1), 1)) == list(zip("yz", values[1:], strict=True))


def test_vectors_of_several_sizes_or_none_are_read_too():
    vectors = [[1.0], None, [2.0, 3.0]]
    table = pa.Table.from_pylist([{"query": "q", "passages": [{"text": "t", "embedding": v} for v in vectors]}])
    ((_, found),) = rows_of_table(table, 0).requests
    assert [None if p.embedding is None else list(p.embedding) for p in found] == vectors


PARQUET_FAILS = {
    "null query": {"query": None, "passages": [{"text": "a"}]},
    "null passages": {"query": "q", "passages": None},
    "null passage": {"query": "q", "passages": [{"text": "a"}, None]},
    "null text": {"query": "q", "passages": [{"text": None}]},
}


def test_rows_of_parquet_that_cannot_be_ranked_are_set_aside_as_they_came_in():
    good = {"query": "q", "passages": [{"text": "a"}]}
    table = pa.Table.from_pylist([good, *PARQUET_FAILS.values(), good])
    found = rows_of_table(table, 10)
    assert found.numbers == [10, 15]
    assert [(f.row, f.error) for f in found.failures] == [(i, "InputError") for i in range(11, 15)]
    assert [f.original for f in found.failures] == list(PARQUET_FAILS.values())


def test_text_that_is_no_utf8_fails_its_own_row_only():
    broken = pa.array([b"good", b"\xff\xfe"], pa.binary()).view(pa.string())
    passages = pa.array([["a"], ["b"]])
    found = rows_of_table(pa.table({"query": broken, "passages": passages}), 0)
    assert texts(found) == [("good", ["a"])]
    assert [failure.row for failure in found.failures] == [1]


LINES_FAIL = [
    "no json",
    "[]",
    '{"passages": []}',
    '{"query": 5, "passages": []}',
    '{"query": NaN, "passages": []}',
    '{"query": "q"}',
    '{"query": "q", "passages": "text"}',
    '{"query": "q", "passages": [3]}',
    '{"query": "q", "passages": [null]}',
    '{"query": "q", "passages": [{"text": 5}]}',
    '{"query": "q", "passages": [{"txt": "a"}]}',
    '{"query": "q", "passages": [{"text": "a", "score": "high"}]}',
    '{"query": "q", "passages": [{"text": "a", "position": 1.5}]}',
    '{"query": "q", "passages": [{"text": "a", "id": true}]}',
    '{"query": "q", "passages": [{"text": "a", "embedding": ["x"]}]}',
    '{"query": "q", "passages": [], "id": [1]}',
    '{"query": "\\ud83d", "passages": []}',
    "[" * 100_000,
]


def test_lines_that_cannot_be_ranked_are_set_aside_and_the_others_go_on():
    good = '{"query": "q", "passages": ["a"]}'
    data = "\n".join([good, "", *LINES_FAIL, "  ", good]).encode() + b"\n\xff\n"
    found = rows_of_lines(data, 0)
    last = len(LINES_FAIL) + 3
    assert found.numbers == [0, last]
    assert found.blank == 2
    assert [failure.row for failure in found.failures] == [*range(2, len(LINES_FAIL) + 2), last + 1]
    assert {failure.error for failure in found.failures} == {"InputError"}
    assert found.failures[0].original == "no json"
    assert found.failures[3].original == {"query": 5, "passages": []}


SCHEMAS = {
    "no column 'query'": pa.schema([("passages", pa.list_(pa.string()))]),
    "no column 'passages'": pa.schema([("query", pa.string())]),
    "'query' must be a text": pa.schema([("query", pa.int64()), ("passages", pa.list_(pa.string()))]),
    "must be a list": pa.schema([("query", pa.string()), ("passages", pa.string())]),
    "'passages' must be a text": pa.schema([("query", pa.string()), ("passages", pa.list_(pa.int8()))]),
    "'passages.score' must be a number": pa.schema(
        [("query", pa.string()), ("passages", pa.list_(pa.struct([("text", pa.string()), ("score", pa.string())])))]
    ),
    "knows no": pa.schema(
        [("query", pa.string()), ("passages", pa.list_(pa.struct([("text", pa.string()), ("url", pa.string())])))]
    ),
    "needs 'text'": pa.schema([("query", pa.string()), ("passages", pa.list_(pa.struct([("id", pa.string())])))]),
    "'id' must be": pa.schema([("id", pa.float64()), ("query", pa.string()), ("passages", pa.list_(pa.string()))]),
}


@pytest.mark.parametrize("message", SCHEMAS)
def test_columns_that_cannot_be_ranked_are_told_before_anything_begins(tmp_path, message):
    pq.write_table(SCHEMAS[message].empty_table(), tmp_path / "in.parquet")
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        Source.of(tmp_path / "in.parquet", 10)


def test_files_that_are_no_input(tmp_path):
    for name, text in (("in.csv", "a"), ("_hidden.jsonl", "{}"), ("in.parquet", "no parquet")):
        (tmp_path / name).write_text(text)
    for source, message in (
        (tmp_path / "in.csv", "by their suffix"),
        (tmp_path / "none.parquet", "there is no"),
        (tmp_path / "*.jsonl", "there is no"),
        (tmp_path / "in.parquet", "cannot be read as Parquet"),
        ("nosuch://bucket/in.parquet", "cannot reach"),
    ):
        with pytest.raises(InputError, match=message):
            Source.of(source, 10)
    (tmp_path / "b.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match="all Parquet"):
        Source.of(tmp_path, 10)


def test_a_pattern_takes_the_files_that_it_names_in_order(tmp_path, rows, write):
    for name in ("b1", "a2", "c3"):
        write(tmp_path / f"{name}.jsonl", rows(2))
    found = Source.of(tmp_path / "[ab]*.jsonl", 10)
    assert [file.url.rsplit("/", 1)[1] for file in found.files] == ["a2.jsonl", "b1.jsonl"]
