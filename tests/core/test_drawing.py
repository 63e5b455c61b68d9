"""Pictures of rankings: what they show, that they can be read by all, and that text stays text."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from shortlist import DocumentGraph, InputError, MissingExtra, Mmr, Passage, Ranked, Ranking, errors, make

pytest.importorskip("matplotlib")

from shortlist.drawing import theme
from shortlist.drawing.drawing import WIDTH, clean
from shortlist.drawing.movement import Passed, movement
from shortlist.drawing.reading import split_names

EVIL = '<script>alert(1)</script> ]]> --> " \' & </svg> $\\frac{1}{0}$ #0b5cad id="x" url(#x) \x00\x1b\ufffe 日本語'
SVG = "{http://www.w3.org/2000/svg}"


def lifted(n=8, text="text"):
    passages = [Passage(f"{text} {i}", id=f"p{i}") for i in range(n)]
    reasons = [{"prior": i / n, "lifted by": f"p{(i + 1) % n}, p{(i + 3) % n}"} for i in range(n)]
    return replace(Ranking.by_score(passages, [i / n for i in range(n)], "utility", reasons), query="a question")


def picked(text="text"):
    rng = np.random.default_rng(0)
    passages = [Passage(f"{text} {i}", id=f"p{i}", score=1.0 - i / 9, embedding=rng.normal(size=8)) for i in range(9)]
    return Mmr().rank("a question", passages, top_k=5)


def drawings(text="text"):
    yield lifted(text=text).draw("movement", top=4)
    yield lifted(text=text).draw("criteria")
    yield lifted(text=text).draw("graph")
    yield picked(text).draw("selection")
    yield picked(text).draw("movement", top=3)


def words(svg):
    return ["".join(each.itertext()) for each in ET.fromstring(svg).iter(f"{SVG}text")]


def test_each_is_an_svg_that_tells_of_itself():
    for drawing in drawings():
        root = ET.fromstring(drawing.svg)
        ids = [each.get("id") for each in root.iter() if each.get("id")]
        assert root.tag == f"{SVG}svg" and root.get("role") == "img" and len({*ids}) == len(ids)
        named = {each.get("id"): each.text for each in root if each.tag in (f"{SVG}title", f"{SVG}desc")}
        assert [named[each] for each in root.get("aria-labelledby").split()] == [drawing.title, drawing.description]
        assert root.get("viewBox").split()[2] == str(WIDTH)
        used = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', drawing.svg)
        assert {one or other for one, other in used} <= {*ids}


def test_two_of_one_page_share_no_id():
    ids = [each for drawing in drawings() for each in re.findall(r'\sid="([^"]+)"', drawing.markup)]
    assert len({*ids}) == len(ids)


def test_each_is_the_same_every_time_whatever_the_user_has_set():
    import matplotlib as mpl

    first = [drawing.svg for drawing in drawings()]
    with mpl.rc_context({"svg.fonttype": "path", "font.size": 30, "axes.facecolor": "red", "svg.hashsalt": None}):
        assert [drawing.svg for drawing in drawings()] == first
        assert mpl.rcParams["svg.fonttype"] == "path" and mpl.rcParams["font.size"] == 30
    assert not any(re.search(r"<metadata|dc:|<!--|T\d\d:\d\d", svg) for svg in first)


@pytest.mark.slow
def test_in_another_process_it_is_the_same():
    code = "from shortlist import *; r = Ranking.by_score([Passage('a', id='a'), Passage('b')], [1, 2], 'utility')"
    command = [sys.executable, "-c", f"{code}\nprint(r.draw().svg)"]
    out = [
        subprocess.run(command, env={"PYTHONHASHSEED": seed, "PATH": ""}, capture_output=True, check=True).stdout
        for seed in "12"
    ]
    assert out[0] == out[1] and b"<svg" in out[0]


def test_text_stays_text():
    for drawing in drawings(EVIL):
        for svg in (drawing.svg, drawing.inline):
            root = ET.fromstring(svg)
            assert not {each.tag for each in root.iter()} & {f"{SVG}script", f"{SVG}foreignObject", f"{SVG}image"}
            assert "<script" not in svg and not re.search(r"<[^>]*\son\w+=", svg)
    told = " ".join(words(lifted(text="#0b5cad url(#x) $a$").draw("movement").inline))
    assert "#0b5cad url(#x) $a$" in told


def test_ids_and_queries_stay_text():
    passages = [Passage("a", id=EVIL), Passage("b", id="b")]
    reasons = [{EVIL: 1.0, "lifted by": "b"}, {"relevance": 0.5, "subtopic": EVIL}]
    ranking = replace(Ranking.by_score(passages, [2, 1], "utility", reasons), query=EVIL)
    for kind in ("movement", "criteria", "graph"):
        assert "<script" not in ranking.draw(kind).svg
        ET.fromstring(ranking.draw(kind).svg)


def test_nothing_is_asked_of_anyone():
    for drawing in drawings():
        for svg in (drawing.svg, drawing.inline):
            assert {*re.findall(r'https?://[^"]+', svg)} == {
                "http://www.w3.org/2000/svg",
                "http://www.w3.org/1999/xlink",
            }
            assert "@import" not in svg and "url(h" not in svg


def test_every_colour_has_a_name_and_a_dark_side():
    for drawing in drawings():
        colours = {*re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", drawing.markup)}
        assert colours and colours <= {*theme.LIGHT.values()}
        assert not re.search(r"(?:fill|stroke): #", drawing.inline)
        assert all(f': {colour}"]' in drawing.svg for colour in colours)
        assert {*re.findall(r"var\(--(\w+)\)", drawing.inline)} <= {*re.findall(r"--(\w+):", theme.variables())}
    assert theme.LIGHT.keys() == theme.DARK.keys() and len({*theme.LIGHT.values()}) == len(theme.LIGHT)


def test_markers_have_their_colour_where_they_are_used():
    """Style sheets do not reach what `<use>` copies."""
    for drawing in drawings():
        assert not re.search(r"<defs>(?:(?!</defs>).)*(?:fill|stroke): #", drawing.markup, re.DOTALL)
    assert re.search(r'<use [^>]*style="fill: #[^"]*stroke: #', lifted().draw("movement").markup)


def luminance(colour):
    parts = (np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0).tolist()
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_letters_stand_out(colours):
    """WCAG 2.2, 1.4.3: a contrast of 4.5 or more."""
    for front, back in product(("ink", "muted", "first", "second"), ("surface", "panel")):
        high, low = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (front, back)


def test_a_drawing_is_saved_and_shown(tmp_path):
    drawing = lifted().draw()
    drawing.save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").strip() == drawing.svg == drawing._repr_svg_()
    for name in ("a.png", "a"):
        with pytest.raises(InputError, match=r"\.svg"):
            drawing.save(tmp_path / name)
    with pytest.raises(InputError, match="cannot write"):
        drawing.save(tmp_path / "no" / "a.svg")


def test_movement_says_who_rose_and_who_fell():
    passed = [
        Passed("a", 3, 1),
        Passed("b", 1, 2),
        Passed("c", 2, None),
        Passed("d", 9, 3),
        Passed("e", 4, 4),
        Passed("f", 8, 9),
    ]
    drawing = movement("t", passed, top=4)
    assert "2 passages rose, 2 fell; 1 came from below rank 4, 1 went below it" in drawing.description
    told = words(drawing.svg)
    assert {"a", "b", "d", "e"} <= {*told} and not {"c", "f"} & {*told}
    assert told.count("▲") == 2 and told.count("▼") == 1 and told.count("=") == 1 and told.count("below") == 2
    assert "below" not in words(movement("t", passed[:2], top=4).svg)


def test_movement_of_a_ranking_shows_the_first_and_where_they_came_from():
    told = words(lifted().draw("movement", top=3).svg)
    assert [each for each in told if each.startswith("p")] == ["p7: text 7", "p6: text 6", "p5: text 5"]


def test_criteria_are_the_numbers_among_the_reasons():
    passages = [Passage("one", id="a"), Passage("two", id="b")]
    ranking = Ranking.by_score(passages, [2, 1], "utility", [{"depth": 0.25, "why": "so"}, {"length": 4.0}])
    told = words(ranking.draw("criteria").svg)
    assert {"score", "depth", "length", "0.25", "4"} <= {*told} and told.count("–") == 2 and "why" not in told
    many = Ranking.by_score(passages[:1], [1], "utility", [{f"n{i}": 1.0 for i in range(9)}])
    assert "4 more are not shown" in many.draw("criteria").description


def test_a_graph_from_reasons():
    drawing = lifted(5).draw("graph")
    assert "5 passages" in drawing.description and "10 edges" in drawing.description
    few = lifted(8).draw("graph", top=3)
    assert "further down are not shown" in few.description


def test_a_graph_that_is_given():
    ranking = lifted(4)
    graph = DocumentGraph(4, np.array([0, 1]), np.array([1, 2]), np.ones((2, 2)))
    pairs = [("p0", "p1"), ("p1", "p2", 1.0)]
    assert ranking.draw("graph", edges=graph) == ranking.draw("graph", edges=pairs)
    assert (
        "2 edges" in ranking.draw("graph", edges=pairs).description
        and "1 stand alone" in ranking.draw("graph", edges=pairs).description
    )
    assert "0 edges" in ranking.draw("graph", edges=[]).description


def test_ids_with_commas_are_told_apart():
    assert split_names("a, b, c", {"a, b": 0, "c": 1}) == [0, 1]
    assert split_names("x, c", {"c": 1}) == [1]


def test_a_real_graph_reranker_draws_itself():
    texts = [
        "the moon pulls tides",
        "tides of the sea and the moon",
        "bread needs yeast",
        "yeast lifts bread",
        "moon rock",
    ]
    ranking = make("graph").rank(
        "why tides?", [Passage(t, id=str(i), score=1.0 / (1 + i)) for i, t in enumerate(texts)]
    )
    if any("lifted by" in item.reasons for item in ranking):
        assert "edges" in ranking.draw("graph").description
    assert "prior" in words(ranking.draw("criteria").svg)


def test_a_selection_tells_each_pick():
    drawing = picked().draw("selection")
    assert (
        drawing.description.startswith("5 picks. Relevance goes from 1.00")
        and "like an earlier one" in drawing.description
    )
    assert {"relevance", "likeness to an earlier pick", "pick"} <= {*words(drawing.svg)}
    subtopics = [Ranked(Passage("a"), 0, 1.0, {"relevance": 0.5, "subtopic": "causes", "picked": "by relevance"})]
    told = Ranking(subtopics).draw("selection")
    assert "causes" in words(told.svg) and "1 of the last" in told.description


@pytest.mark.parametrize(
    ("ranking", "arguments", "match"),
    [
        (lifted(), {"kind": "pie"}, "pie"),
        (lifted(), {"top": 0}, "top"),
        (lifted(), {"kind": "movement", "edges": []}, "edges"),
        (lifted(), {"kind": "selection"}, "diverse"),
        (lifted(), {"kind": "graph", "edges": [("p0", "nobody")]}, "nobody"),
        (Ranking.by_order([Passage("a")], [0]), {"kind": "graph"}, "neighbours"),
        (Ranking.by_order([Passage("a")], [0]), {"kind": "criteria"}, "numbers"),
    ],
)
def test_what_cannot_be_drawn(ranking, arguments, match):
    with pytest.raises(InputError, match=match):
        ranking.draw(**arguments)


def test_an_empty_ranking_draws_nothing_and_says_so():
    assert "0 passages rose" in Ranking(()).draw().description


def test_without_matplotlib(monkeypatch):
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"shortlist\[evaluate\]"):
        lifted().draw()


def test_clean_makes_one_line_of_any_text():
    assert clean("a\n b\tc", 9) == "a b c" and clean("abcdef", 4) == "abc…" and clean("\x00\ud800", 4) == "��"
