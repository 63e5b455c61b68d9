"""Rows of Parquet: Arrow columns in, requests out, with as little as can be done for each passage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shortlist.batch.places import Place
from shortlist.batch.rows import Failure, Rows
from shortlist.errors import InputError
from shortlist.passage import NOTHING, Passage

COLUMNS = ("id", "query", "passages")
_UNREADABLE = (UnicodeDecodeError, pa.ArrowException)
# What a field of a passage may be, and what it is read as; None is read as it is.
_TEXT, _NUMBER, _WHOLE = "a text", "a number", "a whole number"
_FIELDS = {
    "text": _TEXT,
    "id": "a text or a whole number",
    "score": _NUMBER,
    "embedding": "a list of numbers",
    "document_id": "a text or a whole number",
    "position": _WHOLE,
    "metadata": "a struct or a map",
    "image": "bytes",
}


def open_parquet(place: Place) -> pq.ParquetFile:
    """The file, read piece by piece and not as a whole.

    Raises:
        InputError: it is none.
    """
    source = place.path if place.local else place.open()
    try:
        return pq.ParquetFile(source, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{place.url} cannot be read as Parquet: {error}") from error


def checked_schema(schema: pa.Schema, where: str) -> str:
    """The type of its ids, `string` where it has none, once all columns are of types that can be ranked.

    Raises:
        InputError: one is missing or of another type; the message says which.
    """
    found = {name: _plain(schema.field(name).type) for name in COLUMNS if name in schema.names}
    if missing := [name for name in ("query", "passages") if name not in found]:
        raise InputError(f"{where} has no column {missing[0]!r}; it has {', '.join(map(repr, schema.names)) or 'none'}")
    _check(where, "query", found["query"], _TEXT)
    _check_passages(where, found["passages"])
    kind = found.get("id", pa.string())
    _check(where, "id", kind, "a text or a whole number")
    return str(kind) if pa.types.is_integer(kind) else "string"


def _check_passages(where: str, kind: pa.DataType) -> None:
    if not _is_list(kind):
        raise InputError(f"{where}: the column 'passages' must be a list, not {kind}")
    item = _plain(kind.value_type)
    if not pa.types.is_struct(item):
        _check(where, "passages", item, _TEXT)
        return
    fields = {field.name: _plain(field.type) for field in item}
    if "text" not in fields or {*fields} - {*_FIELDS}:
        strange = sorted({*fields} - {*_FIELDS}) or ["none"]
        raise InputError(f"{where}: a passage needs 'text', may have {', '.join(_FIELDS)}, and knows no {strange}")
    for name, each in fields.items():
        _check(where, f"passages.{name}", each, _FIELDS[name])


def _check(where: str, column: str, kind: pa.DataType, wanted: str) -> None:
    if not (pa.types.is_null(kind) or _IS[wanted](kind)):
        raise InputError(f"{where}: the column {column!r} must be {wanted}, not {kind}")


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


_IS = {
    _TEXT: _is_text,
    _NUMBER: _is_number,
    _WHOLE: pa.types.is_integer,
    "a text or a whole number": lambda kind: _is_text(kind) or pa.types.is_integer(kind),
    "a list of numbers": lambda kind: _is_list(kind) and _is_number(kind.value_type),
    "a struct or a map": lambda kind: pa.types.is_struct(kind) or pa.types.is_map(kind),
    "bytes": lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind),
}


def rows_of_table(table: pa.Table, first: int) -> Rows:
    """The rows of a table with columns that `checked_schema` has seen, numbered from `first`.

    A row fails when its query is null, its passages are, one of them is, or its text. Text that is no UTF-8, which
    Parquet does not forbid, fails the row that it is in: the rows are then read one by one.
    """
    rows = Rows(original=lambda number: _original(table, number - first))
    try:
        _add(rows, table, first)
    except _UNREADABLE:
        rows = Rows(original=rows.original)
        for i in range(len(table)):
            _add_alone(rows, table.slice(i, 1), first + i)
    return rows


def _add_alone(rows: Rows, table: pa.Table, number: int) -> None:
    try:
        _add(rows, table, number)
    except _UNREADABLE as error:
        rows.failures.append(Failure.of(number, None, InputError(f"a text in it cannot be read: {error}"), None))


def _add(rows: Rows, table: pa.Table, first: int) -> None:
    queries = _texts(_column(table, "query")).to_pylist()
    ids = _column(table, "id").to_pylist() if "id" in table.column_names else [None] * len(table)
    column = _column(table, "passages")
    given = column.is_valid().to_numpy(zero_copy_only=False).tolist()
    starts, values = _lists(column)
    bounds, whole = starts.tolist(), _whole(starts, values)
    passages = _passages(values)
    for i, (query, id_, there, sound) in enumerate(zip(queries, ids, given, whole, strict=True)):
        if query is None or not (there and sound):
            what = "'query' is null" if query is None else f"{'one of ' * there}'passages' is null"
            rows.failures.append(rows.failed(first + i, id_, InputError(what)))
            continue
        rows.numbers.append(first + i)
        rows.ids.append(id_)
        rows.requests.append((query, passages[bounds[i] : bounds[i + 1]]))


def _original(table: pa.Table, at: int) -> Any:
    (row,) = table.slice(at, 1).to_pylist()
    return row


def _column(table: pa.Table, name: str) -> pa.Array:
    """The column in one piece, not as a dictionary."""
    column = table.column(name).combine_chunks()
    array = column if isinstance(column, pa.Array) else pa.concat_arrays(column.chunks)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _texts(array: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.string()) if pa.types.is_integer(array.type) or pa.types.is_null(array.type) else array


def _lists(column: pa.Array) -> tuple[np.ndarray[Any, np.dtype[np.int64]], pa.Array]:
    """Where each list begins and the last ends, shape (n + 1,), and what they hold, all in one."""
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        return np.arange(len(column) + 1) * size, column.values.slice(column.offset * size, len(column) * size)
    offsets = column.offsets.to_numpy().astype(np.int64)
    return offsets - offsets[0], column.values.slice(offsets[0], offsets[-1] - offsets[0])


def _whole(starts: np.ndarray[Any, np.dtype[np.int64]], values: pa.Array) -> list[bool]:
    """Whether each list holds only passages with a text."""
    there = values.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_struct(values.type):
        there = there & values.field("text").is_valid().to_numpy(zero_copy_only=False)
    missing = np.concatenate([[0], np.cumsum(~there)])
    return cast(list[bool], (missing[starts[1:]] == missing[starts[:-1]]).tolist())


def _passages(values: pa.Array) -> Sequence[Passage]:
    if not pa.types.is_struct(values.type):
        return list(map(Passage, _texts(values).to_pylist()))
    named = {field.name: values.field(i) for i, field in enumerate(values.type)}
    read = {name: _READ[name](_decoded(array)) for name, array in named.items()}
    return list(map(Passage, *(read.get(name, repeat(NOTHING if name == "metadata" else None)) for name in _FIELDS)))


def _decoded(array: pa.Array) -> pa.Array:
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _names(array: pa.Array) -> list[Any]:
    return list(_texts(array).to_pylist())


def _numbers(array: pa.Array) -> list[Any]:
    return list(array.cast(pa.float64()).to_pylist())


def _plainly(array: pa.Array) -> list[Any]:
    return list(array.to_pylist())


def _vectors(array: pa.Array) -> Iterable[Any]:
    """Rows of one float32 array, none of them copied, where all vectors are there and of one size."""
    if pa.types.is_null(array.type):
        return repeat(None)
    starts, values = _lists(array)
    flat = values.cast(pa.float32()).to_numpy(zero_copy_only=False)
    sizes = np.diff(starts)
    if array.null_count == 0 and len(sizes) and (sizes == sizes[0]).all():
        return list(flat.reshape(len(sizes), sizes[0]))
    there = array.is_valid().to_pylist()
    return [flat[a:b] if ok else None for a, b, ok in zip(starts[:-1], starts[1:], there, strict=True)]


def _metadata(array: pa.Array) -> Iterator[Any]:
    """What is null in a struct was not there."""
    for each in array.to_pylist():
        told = {} if each is None else {name: value for name, value in dict(each).items() if value is not None}
        yield told or NOTHING


_READ = {
    "text": _names,
    "id": _names,
    "score": _numbers,
    "embedding": _vectors,
    "document_id": _names,
    "position": _plainly,
    "metadata": _metadata,
    "image": _plainly,
}
