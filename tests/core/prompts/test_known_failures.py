"""Replies that broke other libraries' readers, each with where it was reported.

Replies in quotation marks in a report are given as they stand there; where a report gives the exception alone, the reply
is one that causes it, and the docstring says so.
"""

import pytest

from shortlist.prompts.grammar import completed, parse
from shortlist.prompts.safety import cleaned

TEN = tuple(str(number) for number in range(1, 11))
TWENTY = tuple(str(number) for number in range(1, 21))
LETTERS = tuple("ABCDEFGHIJKLMNOPQRST")


def scores(text, ids=TEN):
    """Relevances that lines of documents give, by name."""
    return {ids[place]: score for place, score in parse("doc-lines", text, ids).scores.items()}


def names(grammar, text, ids=TWENTY):
    return [ids[place] for place in parse(grammar, text, ids).order]


def test_llama_index_3443():
    """run-llama/llama_index#3443: int('None') and int('$640'). The values are the report's."""
    assert scores("Doc: None, Relevance: None") == {}
    assert scores("Doc: $640, Relevance: 7\nDoc: 2, Relevance: $640\nDoc: 3, Relevance: 5") == {"3": 5}


def test_llama_index_11045():
    """run-llama/llama_index#11045: an explanation in brackets after the relevance. The reply is the report's."""
    text = (
        ' Doc: 2, Relevance: 8 (The document mentions taking a "tasty turn around Barcelona\'s Santa Caterina market" and '
        "listening to an episode about Barcelona.)"
    )
    assert scores(text) == {"2": 8}


def test_llama_index_11093():
    """run-llama/llama_index#11093 and #11092: a sentence with a comma instead of an answer. The reply is the report's."""
    text = (
        'The question "ottimo" is not clear and does not seem to relate to any of the documents provided. Therefore, no '
        "documents are relevant."
    )
    parsed = parse("doc-lines", text, TEN)
    assert parsed.order == ()
    assert "nothing named" in parsed.repairs


def test_llama_index_11470():
    """run-llama/llama_index#11470: IndexError from an answer that is not only lines. The reply is one that causes it."""
    text = "根据问题，相关的文档如下：\nDoc: 3, Relevance: 9\nDoc: 1, Relevance: 6\n其他文档与问题无关，不予列出。"
    assert scores(text) == {"3": 9, "1": 6}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Documents: 3, 5", {}),
        ("Answer:\n\nDoc 3, which is about it, Relevance\nDoc: 3, Relevance: 9", {"3": 9}),
        ("Lyft's response, in short, was to sanitise cars, and to suspend rides.", {}),
    ],
)
def test_llama_index_12311_and_12323(text, expected):
    """run-llama/llama_index#12311 and #12323: IndexError on Mistral 7B's answers. The replies are ones that cause it."""
    assert scores(text) == expected


def test_llama_index_12325():
    """run-llama/llama_index#12325: int('page_label'), metadata repeated in the answer. The reply is one that causes it."""
    text = "Document: page_label, Relevance: 7\npage_label: 3, file_path: data/10k.pdf\nDoc: 2, Relevance: 7"
    assert scores(text) == {"2": 7}


def test_llama_index_15965():
    """run-llama/llama_index#15965: `Document 2` without a colon. The line is the report's."""
    assert scores(" Document 2, Relevance: 9") == {"2": 9}


def test_llama_index_17352():
    """run-llama/llama_index#17352: a line of prose with a comma after the answer. The reply is the report's."""
    text = (
        "Doc: 5, Relevance: 9\nDoc: 1, Relevance: 8\n\nThe document with the highest relevance score is Doc: 5, as it "
        "directly answers the question about the contract. \n"
    )
    parsed = parse("doc-lines", text, TEN)
    assert parsed.scores == {4: 9, 0: 8}
    assert parsed.repairs == ("prose around the answer", "8 missing")


def test_llama_index_17353():
    """run-llama/llama_index#17353: a document, a comma, and no relevance. The line is the report's."""
    assert scores("Doc: 5, because it is the most relevant\nDoc: 1, Relevance: 8") == {"1": 8}


@pytest.mark.parametrize("word", ["high", "N/A", ""])
def test_llama_index_22404(word):
    """run-llama/llama_index#22404: one unreadable relevance gave each later document its neighbour's. As reported."""
    text = f"Doc: 2, Relevance: 9\nDoc: 1, Relevance: {word}\nDoc: 3, Relevance: 7"
    assert scores(text) == {"2": 9, "3": 7}
    assert "1 without a number" in parse("doc-lines", text, TEN).repairs


@pytest.mark.parametrize("number", ["0", "-1", "-2", "11"])
def test_llama_index_22743(number):
    """run-llama/llama_index#22743 and #22827: document 0 or -2 became another one, from the end. As reported."""
    text = f"Doc: {number}, Relevance: 9\nDoc: 2, Relevance: 3"
    assert scores(text) == {"2": 3}
    assert "1 out of range" in parse("doc-lines", text, TEN).repairs


def test_rebel_decimals():
    """microsoft/REBEL and run-llama/llama_index#17590: the reader took `12.5` for 12, so that scores tied."""
    text = "Doc: 1, Relevance: 12\nDoc: 2, Relevance: 12.5"
    assert parse("doc-lines", text, TEN).order == (1, 0)
    assert scores(text) == {"1": 12, "2": 12.5}


ERRORS = [
    "Error code: 429 - {'error': {'message': 'Rate limit reached: 20 requests per 1 min', 'code': 429}}",
    "This model's maximum context length is 8192 tokens. However, you requested 8200 tokens (8000 in the messages, 200).",
    "HTTPSConnectionPool(host='10.0.0.7', port=8000): Max retries exceeded with url: /v1/chat/completions (12)",
    "{'object': 'error', 'message': 'The server had an error', 'type': 'BadRequestError', 'param': None, 'code': 400}",
    "Traceback (most recent call last):\n  File 'a.py', line 7, in b\nIndexError: list index out of range",
]


@pytest.mark.parametrize("text", ERRORS)
@pytest.mark.parametrize(
    "grammar", ["ranking", "names", "order-json", "answer", "pick", "score-map", "doc-lines", "number"]
)
@pytest.mark.parametrize("ids", [TWENTY, LETTERS])
def test_rank_llm_error_texts(grammar, text, ids):
    """castorini/rank_llm: exception texts were returned as replies, and "429" and "8192" in them read as ranks.

    That no such text reaches a reader is the doors' doing; if one ever did, it would name nothing.
    """
    assert parse(grammar, text, ids).order == ()


def test_rank_llm_top_20_passages():
    """castorini/rank_llm `clean_response`: all digits of a reply were ranks, "top 20 passages" passage 20."""
    text = "Here are the top 20 passages, as of 2 July 2019:\n[3] > [1] > [2]"
    assert names("ranking", text) == ["3", "1", "2"]
    assert names("ranking", "I ranked the top 20 passages in 3 steps.") == []


def test_rank_llm_letters_of_words():
    """castorini/rank_llm, FIRST's letters: the letters of ordinary words were names."""
    assert names("ranking", "Sure, here is the ranking: [C] > [A]", LETTERS) == ["C", "A"]
    assert names("ranking", "I CANNOT RANK A PASSAGE", LETTERS) == []


def test_rank_llm_439():
    """castorini/rank_llm#439: FIRST wrote whole rankings again. From its prefix `[`, both one letter and all are read."""
    assert names("ranking", "B] > [A] > [C]", LETTERS) == ["B", "A", "C"]
    assert names("pick", "B", LETTERS) == ["B"]


def test_rank_llm_440():
    """castorini/rank_llm#440: a name of two digits raised TypeError."""
    assert names("ranking", "[10] > [1] > [20]") == ["10", "1", "20"]


def test_rankgpt_fewer_than_all():
    """sunnweiwei/RankGPT and its copies: of a short reply, the passages left out come last, in incoming order."""
    assert completed(parse("ranking", "[3] > [9]", TEN).order, 5) == (2, 0, 1, 3, 4)


def test_rankify_order():
    """DataScienceUIBK/Rankify: the first names of a reply were kept without looking whether they were names."""
    assert names("ranking", "[0] > [99] > [7] > [7] > [3]") == ["7", "3"]


def test_autorag_research_years():
    """NomaDamas/AutoRAG-Research, DynamicRAG: names were digits from anywhere, so a year was one when in range."""
    ids = tuple(str(number) for number in range(1, 2101))
    text = "Since the treaty of 1648, and again in 2019, [12] and not [7] was cited: [12] > [7]"
    assert names("ranking", text, ids) == ["12", "7"]
    assert names("ranking", "The treaty is of 1648.", ids) == []


def test_autorag_276():
    """Marker-Inc-Korea/AutoRAG#276: rankings that are no permutation. The thread is not quoted; the reply is of its kind."""
    parsed = parse("ranking", "[2] > [2] > [14] > [1]", ("1", "2", "3"))
    assert completed(parsed.order, 3) == (1, 0, 2)
    assert parsed.repairs == ("1 repeated", "1 out of range", "1 missing")


def test_flashrank_strip():
    """PrithivirajDamodaran/FlashRank: int(token.strip("[]")) on raw text raised on anything but names."""
    assert names("ranking", "Sure! [2] > [1], [x] and [3") == ["2", "1"]


def test_flashrank_33():
    """PrithivirajDamodaran/FlashRank#33: of `[11]` the first digit was read, so that passage 1 came first. As reported."""
    assert names("ranking", "[11] > [3] > [2] > [1]") == ["11", "3", "2", "1"]


def test_grouprank_one_failure():
    """AQ-MedAI/Diver, GroupRank: one unreadable score gave 0 to the whole group."""
    parsed = parse("score-map", '<answer>```json\n{"[1]": 7, "[2]": "n/a", "[3]": 4}\n```</answer>', ("1", "2", "3"))
    assert parsed.scores == {0: 7, 2: 4}
    assert parsed.repairs == ("1 without a number", "1 missing")
    assert parse("score-map", '<answer>{"[1]": 7, "[2]": 6, "[3]', ("1", "2", "3")).scores == {0: 7, 1: 6}


def test_grouprank_zero_wraps():
    """AQ-MedAI/Diver, GroupRank: name "0" became the last document, by index -1."""
    assert parse("score-map", '{"[0]": 10, "[1]": 2, "[4]": 9, "[-1]": 8}', ("1", "2", "3")).scores == {0: 2}


def test_rank_k_first_repeat():
    """hltcoe/rank-k: reading stopped at the first repeated name. Ties are its grammar's own."""
    assert names("ranking", "[3] > [2] > [3] > [4] = [1] > [5]") == ["3", "2", "1", "4", "5"]


def test_llm_rankers_first_passage():
    """ielab/llm-rankers, setwise: what could not be read was a vote for the first passage."""
    parsed = parse("pick", "I am not able to say which of them is the best.", LETTERS)
    assert parsed.order == ()
    assert parsed.repairs == ("nothing named",)


def test_rank_r1_label_in_thinking():
    """ielab/llm-rankers, Rank-R1: labels in the thinking are none, finished or not."""
    assert names("answer", "<think>[1] looks good, or <answer>[2]</answer></think><answer>[3]</answer>") == ["3"]
    assert names("answer", "<think>[1] looks good. So <answer>[2]</answer> it") == []


def test_llm_council_scores_against_ranking():
    """amiable-dev/llm-council#13: scores that contradict the ranking. An order is read from the ranking. As reported."""
    text = '{"ranking": ["A", "B", "C"], "scores": {"A": 7, "B": 9, "C": 5}}'
    assert names("order-json", text, LETTERS) == ["A", "B", "C"]


def test_rank_llm_brackets_in_passages():
    """castorini/rank_llm rewrites `[12]` in passages to `(12)`: a citation is a name otherwise."""
    assert cleaned("as shown [12].", brackets=True, words=None, one_line=True) == "as shown (12)."
