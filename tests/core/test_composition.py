"""`>>`, `|`, `[:k]`, Fuse, Blend, Cascade, Route: what each promises."""

import pytest

from shortlist import (
    Blend,
    Cascade,
    CrossEncoder,
    FunctionScorer,
    Fuse,
    InputError,
    KeepOrder,
    Lexical,
    LimitReached,
    Limits,
    Mmr,
    Passage,
    Route,
    Runtime,
    Similarity,
)
from shortlist.models.fakes import ConstantScorer, FailingScorer, HashEmbedder, OracleScorer, OverlapScorer
from shortlist.testing import check_ranking

TEXTS = ["a tides", "b", "c moon tides", "d moon"]


def oracle(**grades):
    return CrossEncoder(OracleScorer({text: grades.get(text[0], 0.0) for text in TEXTS}))


def letters(ranking):
    return "".join(text[0] for text in ranking.texts)


def test_each_cut_tells_of_itself():
    ranking = (oracle(a=1, b=4, c=3, d=2)[:3] >> oracle(b=1, c=2, d=3)[:2]).rank("q", TEXTS)
    assert {item.passage.text[0]: ranking.why_dropped(item) for item in ranking.dropped} == {
        "b": "below the first 2",
        "a": "below the first 3",
    }


def test_chain_reranks_what_was_kept_and_tells_of_the_whole():
    ranking = (oracle(a=1, b=4, c=3, d=2)[:3] >> oracle(b=1, c=2, d=3)).rank("q", TEXTS)
    check_ranking(ranking, TEXTS)
    assert letters(ranking) == "dcb"
    assert [item.index for item in ranking.dropped] == [0]


def test_the_second_of_a_chain_reads_the_score_of_the_first():
    first = oracle(a=1, b=4, c=3, d=2)
    blended = (first >> Blend(CrossEncoder(ConstantScorer()), prior=1.0)).rank("q", TEXTS)
    assert letters(blended) == "bcda"
    assert [item.passage.score for item in blended.kept] == [None] * 4, "and the passages are as they came in"


def test_chains_are_cut_at_the_end_only():
    told = (Lexical() >> Mmr(embedder=HashEmbedder()))[:2]
    assert told.inner == Lexical() >> Mmr(embedder=HashEmbedder(), k=2)
    for chain in (told, Lexical() >> Mmr(embedder=HashEmbedder())):
        stopped = chain.rank("q", TEXTS, top_k=2, runtime=Runtime(limits=Limits(calls=0)))
        assert len(stopped) == 2
        assert "mmr did not run" in stopped.degraded
    assert letters((oracle(a=4, b=3, c=2, d=1)[:3] >> oracle(c=1)).rank("q", TEXTS, top_k=1)) == "c"


def test_cuts_take_the_smaller():
    assert KeepOrder()[:5][:3] == KeepOrder()[:3] == KeepOrder()[:3][:5]
    assert Mmr(embedder=HashEmbedder())[:2] == Mmr(embedder=HashEmbedder(), k=2)
    for bad in (slice(1, 2), slice(None), slice(0), slice(None, None, 2), slice(None, -1)):
        with pytest.raises(InputError):
            KeepOrder()[bad]


def test_fallback_answers_when_a_model_fails_and_says_so():
    ranking = (CrossEncoder(FailingScorer()) | Lexical()).rank("moon", TEXTS, top_k=2)
    assert letters(ranking) == "dc" and "made to fail" in ranking.degraded
    assert (oracle(a=1) | Lexical()).rank("moon", TEXTS).degraded is None


def test_fallback_does_not_hide_bad_input():
    with pytest.raises(InputError):
        (CrossEncoder(FailingScorer()) | KeepOrder()).rank("q", [3])


def test_fuse_by_reciprocal_rank():
    ranking = Fuse(oracle(a=4, b=3, c=2, d=1), oracle(c=9, a=8)).rank("q", TEXTS)
    check_ranking(ranking, TEXTS)
    assert letters(ranking)[:2] == "ac"
    assert ranking.kept[0].score == pytest.approx(1 / 61 + 1 / 62)
    assert ranking.kept[0].reasons == {"cross-encoder 1 rank": 1.0, "cross-encoder 2 rank": 2.0}


def test_fuse_weighs():
    a, b = oracle(a=4, b=3, c=2, d=1), oracle(d=4, c=3, b=2, a=1)
    assert letters(Fuse(a, b, weights=(1, 0)).rank("q", TEXTS)) == "abcd"
    assert letters(Fuse(a, b, weights=(0, 1), method="weighted").rank("q", TEXTS)) == "dcba"
    assert letters(Fuse(a, b, method="interleave").rank("q", TEXTS)) == "adbc"


def test_fuse_asks_all_in_one_round():
    ranking = Fuse(CrossEncoder(OverlapScorer()), Similarity(HashEmbedder()), Lexical()).rank("moon", TEXTS)
    assert len(ranking.rounds) == 1 and ranking.rounds[0].models == ("OverlapScorer", "HashEmbedder")


def test_fuse_drops_only_what_all_drop():
    ranking = Fuse(oracle(a=2, b=1)[:1], oracle(b=2, a=1)[:1]).rank("q", TEXTS)
    assert sorted(letters(ranking)) == ["a", "b"]
    assert {ranking.why_dropped(item) for item in ranking.dropped} == {"dropped by all"}


@pytest.mark.parametrize(
    "bad", [lambda: Fuse(), lambda: Fuse(KeepOrder(), method="sum"), lambda: Fuse(KeepOrder(), weights=(1, 2)),
            lambda: Fuse(KeepOrder(), weights=(0,)), lambda: Fuse(KeepOrder(), k=0), lambda: Blend(KeepOrder(), prior=2),
            lambda: Cascade(KeepOrder(), KeepOrder(), depth=0), lambda: Cascade(KeepOrder(), KeepOrder(), low=2, high=1),
            lambda: Route(("(",), (KeepOrder(),), KeepOrder()), lambda: Route(("a",), (), KeepOrder()),
            lambda: Lexical(b=2), lambda: Mmr(diversity=-0.1), lambda: Mmr(k=0)],
)  # fmt: skip
def test_settings_are_looked_over_at_once(bad):
    with pytest.raises(InputError):
        bad()


def test_blend_keeps_part_of_the_old():
    passages = [Passage("a", score=1.0), Passage("b", score=0.0)]
    reverse = CrossEncoder(OracleScorer({"a": 0.0, "b": 1.0}))
    assert Blend(reverse, prior=0.0).rank("q", passages).texts == ["b", "a"]
    assert Blend(reverse, prior=1.0).rank("q", passages).texts == ["a", "b"]
    mixed = Blend(reverse, prior=0.75).rank("q", passages)
    assert [item.score for item in mixed.kept] == [0.75, 0.25]
    assert mixed.kept[0].reasons == {"score": 0.0, "prior": 1.0}


def test_blend_tells_of_missing_scores():
    ranking = Blend(oracle(b=1), prior=0.5).rank("q", [Passage("a", score=3.0), Passage("b")])
    assert "1 missing" in ranking.repairs[0]
    assert "input order" in Blend(oracle(b=1)).rank("q", ["a", "b"]).repairs[0]


def test_cascade_sends_only_the_band():
    asked = []

    def score(pairs):
        asked.extend(text for _, text in pairs)
        return [{"b": 1.0, "c": 2.0}.get(text[0], 0.0) for _, text in pairs]

    cascade = Cascade(oracle(a=10, b=5, c=4, d=0), CrossEncoder(FunctionScorer(score)), low=1, high=9)
    ranking = cascade.rank("q", TEXTS)
    check_ranking(ranking, TEXTS)
    assert letters(ranking) == "acbd" and sorted(asked) == ["b", "c moon tides"]
    assert ranking.kept[1].reasons == {"first cross-encoder": 4.0, "second cross-encoder": 2.0}


def test_cascade_depth():
    cascade = Cascade(oracle(a=4, b=3, c=2, d=1), oracle(d=9, b=2, a=1), depth=2)
    assert letters(cascade.rank("q", TEXTS)) == "bacd"


def test_cascade_stops_at_a_limit_with_the_first_order():
    cascade = Cascade(Lexical(), CrossEncoder(OverlapScorer()), depth=3)
    ranking = cascade.rank("moon tides", TEXTS, runtime=Runtime(limits=Limits(calls=1)))
    assert letters(ranking) == letters(Lexical().rank("moon tides", TEXTS)) and "limit" in ranking.degraded
    with pytest.raises(LimitReached):
        Cascade(CrossEncoder(OverlapScorer()), KeepOrder()).rank("q", TEXTS, runtime=Runtime(limits=Limits(calls=1)))


def test_route_by_pattern():
    route = Route((r"\bmoon\b", r"^\d+"), (oracle(d=1), oracle(c=1)), otherwise=oracle(b=1))
    assert [letters(route.rank(query, TEXTS))[0] for query in ("the MOON", "12 things", "other")] == ["d", "c", "b"]
    assert letters(route.rank("moon", TEXTS, top_k=1)) == "d"


def test_mmr_puts_the_copy_last():
    texts = ["the moon and the tides", "the moon and the tides", "bread"]
    passages = [Passage(text, score=s) for text, s in zip(texts, (1.0, 0.9, 0.5), strict=True)]
    assert [i.index for i in Mmr(0.0, embedder=HashEmbedder()).rank("q", passages).kept] == [0, 1, 2]
    diverse = Mmr(0.5, embedder=HashEmbedder()).rank("q", passages)
    assert [i.index for i in diverse.kept] == [0, 2, 1]
    assert diverse.kept[2].reasons["similarity to a pick"] == pytest.approx(1.0)


def test_mmr_uses_the_vectors_that_are_there():
    passages = [
        Passage("a", score=1.0, embedding=[1, 0]),
        Passage("b", score=0.9, embedding=[1, 0]),
        Passage("c", score=0.8, embedding=[0, 1]),
    ]
    ranking = Mmr(0.6, embedder=HashEmbedder()).rank("q", passages, top_k=2)
    assert ranking.texts == ["a", "c"] and ranking.usage.calls == 0


def test_similarity_uses_stored_vectors_only_when_told():
    passages = [Passage("tides", embedding=[1.0] * 64), Passage("moon", embedding=[1.0] * 64)]
    assert Similarity(HashEmbedder()).rank("tides", passages).usage.calls == 3
    assert Similarity(HashEmbedder(), stored=True).rank("tides", passages).usage.calls == 1


def test_lexical_with_the_statistics_of_a_corpus(tmp_path):
    from shortlist import CorpusStatistics, from_dict

    corpus = ["tides tides", "tides and moon", "tides and sea", "tides", "bread"]
    statistics = CorpusStatistics.of(corpus)
    assert (statistics.document_count, statistics.document_frequencies["tides"]) == (5, 4)
    statistics.save(tmp_path / "statistics.json")
    reranker = Lexical(statistics=CorpusStatistics.load(tmp_path / "statistics.json"))
    assert reranker.rank("tides moon", ["tides tides tides", "moon"]).texts == ["moon", "tides tides tides"]
    again = from_dict(reranker.to_dict())
    assert again.rank("tides moon", ["tides tides tides", "moon"]).texts == ["moon", "tides tides tides"]


def test_vectors_of_another_size_than_the_querys():
    passages = [Passage("a", embedding=[1.0, 2.0, 3.0]), Passage("b", embedding=[1.0, 2.0, 3.0])]
    ranking = (Similarity(HashEmbedder(), stored=True) | KeepOrder()).rank("q", passages)
    assert "3" in ranking.degraded
    for odd in ([[1.0]], ["x"], []):
        strange = [Passage("tides", embedding=odd, score=1.0), Passage("moon", embedding=odd, score=0.5)]
        assert Mmr(embedder=HashEmbedder()).rank("q", strange).usage.calls == 2


def test_mmr_tells_when_scores_are_missing():
    passages = [Passage("a", score=1.0), Passage("b")]
    assert "1 missing retriever scores" in Mmr(embedder=HashEmbedder()).rank("q", passages).repairs[0]


@pytest.mark.parametrize("scores", [(5e-324, 0.0), (1.7e308, -1.7e308), (1e-310, 3e-310)])
def test_extreme_scores_blend_to_finite_ones(scores):
    passages = [Passage("a", score=scores[0]), Passage("b", score=scores[1])]
    ranking = Blend(KeepOrder(), prior=1.0).rank("q", passages)
    check_ranking(ranking, passages)
    if abs(scores[0]) > 1e-300:
        assert ranking.texts == ["a", "b"]
