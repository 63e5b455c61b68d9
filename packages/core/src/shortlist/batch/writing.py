"""What became of the rows of a shard, as one part of the output."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import pyarrow as pa

from shortlist.batch.rows import Id, jsonable
from shortlist.passage import Passage
from shortlist.ranked import Items, Ranked, places
from shortlist.ranking import Ranking

_USAGE = {
    "calls": pa.int64(),
    "hits": pa.int64(),
    "tokens_in": pa.int64(),
    "tokens_out": pa.int64(),
    "truncated": pa.int64(),
    "flops": pa.float64(),
    "money": pa.float64(),
    "seconds": pa.float64(),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns the output has.

    Attributes:
        id_type: of the ids, as Arrow calls it.
        query: whether it has the query.
        text: whether it has the passages' texts.
        reasons: whether it has what is behind each score.
        dropped: whether it has the passages that were not kept.
        usage: whether it has what each ranking took.
        times: whether usage holds seconds.
    """

    id_type: str = "string"
    query: bool = False
    text: bool = False
    reasons: bool = False
    dropped: bool = False
    usage: bool = True
    times: bool = False

    @classmethod
    def of(cls, deciding: Mapping[str, Any], id_type: str) -> Layout:
        """What the settings ask for."""
        wanted = {name: deciding[f"with_{name}"] for name in ("query", "text")}
        return cls(id_type, **wanted, **{name: deciding[name] for name in ("reasons", "dropped", "usage", "times")})

    def schema(self) -> pa.Schema:
        """The columns of Parquet; lines of JSON have the same names."""
        columns = [("row", pa.int64()), ("id", pa.type_for_alias(self.id_type))]
        columns += [("query", pa.string())] * self.query + [("kept", pa.list_(self._item(why=False)))]
        columns += [("dropped", pa.list_(self._item(why=True)))] * self.dropped
        columns += [("score_kind", pa.string()), ("degraded", pa.string()), ("repairs", pa.list_(pa.string()))]
        columns += [("usage", pa.struct([*self.usages().items()]))] * self.usage
        return pa.schema(columns)

    def usages(self) -> dict[str, pa.DataType]:
        """The parts of usage."""
        return {name: kind for name, kind in _USAGE.items() if self.times or name != "seconds"}

    def _item(self, *, why: bool) -> pa.DataType:
        fields = [("index", pa.int32()), ("id", pa.string()), ("score", pa.float64())]
        fields += [("why", pa.string())] * why
        return pa.struct(fields + [("text", pa.string())] * self.text + [("reasons", pa.string())] * self.reasons)


@dataclass(frozen=True, slots=True)
class Done:
    """A row that was ranked.

    Attributes:
        number: over the whole input.
        id: as it came in.
        passages: as they came in.
        ranking: what became of them.
    """

    number: int
    id: Id
    passages: Sequence[Passage]
    ranking: Ranking


def table_of(rows: Sequence[Done], layout: Layout) -> pa.Table:
    """The rows as columns."""
    schema = layout.schema()
    made: dict[str, Callable[[], Any]] = {
        "row": lambda: [row.number for row in rows],
        "id": lambda: [_typed(row.id, layout.id_type) for row in rows],
        "query": lambda: [row.ranking.query for row in rows],
        "kept": lambda: _lists(rows, layout, [row.ranking.kept for row in rows], schema.field("kept").type),
        "dropped": lambda: _lists(rows, layout, [row.ranking.dropped for row in rows], schema.field("dropped").type),
        "score_kind": lambda: [row.ranking.score_kind for row in rows],
        "degraded": lambda: [row.ranking.degraded for row in rows],
        "repairs": lambda: [row.ranking.repairs for row in rows],
        "usage": lambda: _usages(rows, schema.field("usage").type),
    }
    columns = ((made[name](), schema.field(name).type) for name in schema.names)
    arrays = [value if isinstance(value, pa.Array) else pa.array(value, kind) for value, kind in columns]
    return pa.Table.from_arrays(arrays, schema=schema)


def _usages(rows: Sequence[Done], kind: pa.DataType) -> pa.Array:
    usages = [row.ranking.usage for row in rows]
    arrays = [pa.array([*map(attrgetter(field.name), usages)], field.type) for field in kind]
    return pa.StructArray.from_arrays(arrays, fields=list(kind))


def _typed(value: Id, id_type: str) -> Id:
    return str(value) if id_type == "string" and value is not None else value


def _lists(rows: Sequence[Done], layout: Layout, lists: Sequence[Sequence[Ranked]], kind: pa.DataType) -> pa.Array:
    """Lists of structs, made of one flat column for each field: a struct for each passage would cost ten times this."""
    ends: list[int] = [0]
    indices: list[int] = []
    scores: list[float | None] = []
    ids: list[str | None] = []
    texts: list[str] = []
    for row, items in zip(rows, lists, strict=True):
        order = places(items)
        indices += order
        scores += _scores(items)
        chosen = [row.passages[i] for i in order]
        ids += [each.id for each in chosen]
        if layout.text:
            texts += [each.text for each in chosen]
        ends.append(len(indices))
    flat: dict[str, list[Any]] = {"index": indices, "id": ids, "score": scores, "text": texts}
    if layout.reasons:
        flat["reasons"] = [_reasons(item) for items in lists for item in items]
    if "why" in {field.name for field in kind.value_type}:
        flat["why"] = [row.ranking.why_dropped(i) for row, items in zip(rows, lists, strict=True) for i in items]
    arrays = [pa.array(flat[field.name], field.type) for field in kind.value_type]
    items_array = pa.StructArray.from_arrays(arrays, fields=list(kind.value_type))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), items_array, type=kind)


def _scores(items: Sequence[Ranked]) -> Iterable[float | None]:
    return items.scores if isinstance(items, Items) else [item.score for item in items]


def _reasons(item: Ranked) -> str | None:
    return json.dumps(jsonable(item.reasons), ensure_ascii=False) if item.reasons else None


def ipc_of(table: pa.Table) -> bytes:
    """A part of a Parquet output, until it is joined to the others."""
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def lines_of(rows: Sequence[Done], layout: Layout) -> bytes:
    """A part of an output of JSON lines."""
    return b"".join(line_of(_record(row, layout)) for row in rows)


def line_of(record: Mapping[str, Any]) -> bytes:
    """One line; text that is no valid Unicode is written as escapes."""
    try:
        return json.dumps(record, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(record, allow_nan=False).encode() + b"\n"


def _record(row: Done, layout: Layout) -> dict[str, Any]:
    ranking = row.ranking
    usage = {name: getattr(ranking.usage, name) for name in layout.usages()}
    return {
        "row": row.number,
        "id": row.id,
        **({"query": ranking.query} if layout.query else {}),
        "kept": [_item(row, item, layout) for item in ranking.kept],
        **({"dropped": [_dropped(row, item, layout) for item in ranking.dropped]} if layout.dropped else {}),
        "score_kind": ranking.score_kind,
        "degraded": ranking.degraded,
        "repairs": list(ranking.repairs),
        **({"usage": usage} if layout.usage else {}),
    }


def _item(row: Done, item: Ranked, layout: Layout) -> dict[str, Any]:
    passage = row.passages[item.index]
    told: dict[str, Any] = {"index": item.index, "id": passage.id, "score": item.score}
    if layout.text:
        told["text"] = passage.text
    return {**told, "reasons": jsonable(item.reasons)} if layout.reasons else told


def _dropped(row: Done, item: Ranked, layout: Layout) -> dict[str, Any]:
    told = _item(row, item, layout)
    return {**dict(list(told.items())[:3]), "why": row.ranking.why_dropped(item), **dict(list(told.items())[3:])}
