"""The plain-Python tokenizer against the one it must equal."""

import pickle
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import shortlist.models
from shortlist.models.wordpiece import WordPiece, words

SHIPPED = Path(shortlist.models.__file__).parent / "static" / "vocab.txt"

# Alphabets whose characters the reference's older Unicode tables know as well.
BLOCKS = (
    (0x00, 0x24F), (0x300, 0x377), (0x391, 0x3CE), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x6D3), (0x904, 0x939),
    (0xE01, 0xE3A), (0x1E00, 0x1EFF), (0x2000, 0x2064), (0x20A0, 0x20BD), (0x2190, 0x23F3), (0x3000, 0x30FF),
    (0x3400, 0x3500), (0x4E00, 0x4FFF), (0xAC00, 0xAD00), (0xF900, 0xFA2D), (0xFE00, 0xFE0F), (0xFF00, 0xFFEF),
    (0xFFF9, 0xFFFD), (0x1F300, 0x1F64F), (0x20000, 0x20020), (0x2F800, 0x2F820),
)  # fmt: skip
CHARACTERS = st.one_of(*(st.characters(min_codepoint=first, max_codepoint=last) for first, last in BLOCKS))
ENGLISH = st.sampled_from(["Reranking", "the", "unbelievably", "co-operate", "3.14", "U.S.", "don't", "x" * 101])
TEXTS = st.lists(st.one_of(ENGLISH, st.text(CHARACTERS, max_size=12)), max_size=8).map(" ".join)


@pytest.fixture(scope="module")
def vocabulary():
    return SHIPPED.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def reference(vocabulary):
    tokenizers = pytest.importorskip("tokenizers")
    ids = {token: index for index, token in enumerate(vocabulary)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return tokenizer


@pytest.fixture(scope="module")
def tokenizer(vocabulary):
    return WordPiece(vocabulary)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(TEXTS)
@example("")
@example(" \t\n\r\u00a0\u2028")
@example("Crème brûlée, İstanbul, ΣΊΣΥΦΟΣ, Ångström, ﬁne, straße")
@example("日本語のテキスト and 中文混合English, 한국어도")
@example("שלום עולם مرحبا بالعالم \u202eabc\u202c")
@example("thumbs 👍🏽 family 👨‍👩‍👧 flag 🇫🇷 x")
@example("nul\x00 bell\x07 soft\u00adhyphen zero\u200bwidth bom\ufeff bad\ufffd vt\x0bff\x0c")
@example("a" * 100 + " " + "a" * 101)
@example("$5 + 3 < 9 ^ ~ `x` | _y_ @z #tag C++ §4 «q» …")
def test_equals_the_reference(tokenizer, reference, text):
    assert tokenizer.encode(text) == reference.encode(text, add_special_tokens=False).ids


def test_every_single_byte_and_latin_character_equals_the_reference(tokenizer, reference):
    for code in range(0x250):
        text = f"ab{chr(code)}cd {chr(code)} É{chr(code)}"
        assert tokenizer.encode(text) == reference.encode(text, add_special_tokens=False).ids, hex(code)


def test_longest_match_first():
    vocabulary = ["[UNK]", "un", "unit", "##it", "##s", "##ed"]
    tokenizer = WordPiece(vocabulary)
    assert [vocabulary[i] for i in tokenizer.encode("units united unitx")] == [
        "unit", "##s", "unit", "##ed", "[UNK]",
    ]  # fmt: skip


def test_a_word_asked_for_again_has_the_same_pieces(tokenizer):
    assert (
        tokenizer.encode("unbelievably")
        == tokenizer.encode("unbelievably UNBELIEVABLY")[: len(tokenizer.encode("unbelievably"))]
    )


def test_special_tokens_in_a_text_are_plain_text(tokenizer, vocabulary):
    assert [vocabulary[i] for i in tokenizer.encode("[SEP]")] == ["[", "sep", "]"]


def test_without_the_unknown_token_there_is_no_tokenizer():
    with pytest.raises(ValueError, match="UNK"):
        WordPiece(["a", "b"])


def test_pickles_without_the_words_it_has_seen(vocabulary):
    tokenizer = WordPiece(vocabulary)
    fresh = len(pickle.dumps(tokenizer))
    before = tokenizer.encode("Strange neologisms: flumpwhistle")
    assert len(pickle.dumps(tokenizer)) == fresh
    assert pickle.loads(pickle.dumps(tokenizer)).encode("Strange neologisms: flumpwhistle") == before


def test_memory_of_words_is_bounded(monkeypatch):
    monkeypatch.setattr(sys.modules[WordPiece.__module__], "CACHED_WORDS", 3)
    tokenizer = WordPiece(["[UNK]", "a", "##a"])
    texts = ["a" * n for n in range(1, 9)]
    assert [len(tokenizer.encode(text)) for text in texts] == list(range(1, 9))
    assert len(tokenizer._pieces) == 3


def test_words_are_lower_case_and_apart_from_punctuation():
    assert words("Élan-vital, 東京!") == ["elan", "-", "vital", ",", "東", "京", "!"]
