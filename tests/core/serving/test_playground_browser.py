"""The page in a real browser, against a real server."""

import base64
import hashlib
import json
import re
import zlib
from contextlib import redirect_stdout
from io import StringIO

import pytest

for package in ("playwright", "axe_playwright_python", "fastapi"):
    pytest.importorskip(package)

from shortlist import FunctionChat, Lexical, Mmr, load  # noqa: E402 - skips where the packages are not there
from shortlist.criteria import Criterion  # noqa: E402
from shortlist.rerankers.rebel import Rebel  # noqa: E402

from .browser import CHROMIUM, DESKTOP, PHONE, browser, visits  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")]
EXPRESSIONS = {
    "diverse": "lexical >> mmr(diversity=0.5)",
    "words": "lexical",
    "meaning": "similarity",
    "cut": "lexical >> gap-cut",
    "repeats": "lexical >> near-duplicates(threshold=0.7, action='drop')",
    "graph": "graph",
}
LANGUAGES = ["Python", "LlamaIndex", "LangChain", "Haystack", "curl"]
TEXTS = ["Bread rises by yeast.", "The moon causes the tides.", "Tides, tides: the moon and the sun cause tides."]
QUERY = "what causes the tides"
KEY = "sesame"


def judged(request):
    """Numbers for each document of the prompt: the more words, the deeper."""
    found = re.findall(r"^Document (\d+):\n(.*)", request.messages[-1].content, re.MULTILINE)
    numbers = {n: {"relevance": 5, "depth": min(5, len(text.split()) / 5), "care": 1 + int(n) % 3} for n, text in found}
    return json.dumps({"scores": numbers})


@pytest.fixture(scope="module")
def chromium():
    with browser() as running:
        yield running


@pytest.fixture
def visit(chromium):
    with visits(chromium) as opens:
        yield opens


@pytest.fixture(scope="module")
def url(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("library") / "guides"
    folder.mkdir()
    (folder / "tides.md").write_text(
        "# Tides\n\nThe moon causes the tides of the sea.\n\n# Bread\n\nYeast makes bread rise.\n"
    )
    rebel = Rebel(FunctionChat(judged, "judge"), (Criterion("Depth"), Criterion("Care")))
    return serve({**EXPRESSIONS, "judged": rebel}, playground=True, documents=(folder,))


def fill(seen, texts, query=QUERY):
    seen.page.get_by_role("textbox", name="Query").fill(query)
    seen.page.get_by_role("textbox", name="Passages").fill("\n".join(texts))


def run(seen):
    seen.page.get_by_role("button", name="Run").click()
    return seen.settled()


def expected(expression, texts=TEXTS, query=QUERY):
    ranking = load(expression).rank(query, texts) if isinstance(expression, str) else expression.rank(query, texts)
    return [item.index for item in ranking], [item.index for item in ranking.dropped]


def test_a_newcomer_sees_an_example_without_a_click(visit, url):
    seen = visit(url).go()
    assert seen.page.title() == "Shortlist playground"
    assert sorted(seen.order(0)) == list(range(10)) != seen.order(0)
    assert seen.page.locator(".panel").count() == 2
    assert seen.page.locator(".lines .line").count() == 20


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_what_is_shown_is_what_the_pipeline_says(visit, url, name):
    seen = visit(url).go()
    fill(seen, TEXTS)
    run(seen).choose(name)
    assert (seen.order(), seen.out()) == expected(EXPRESSIONS[name])


def test_side_by_side_up_to_three(visit, url):
    seen = visit(url).go()
    add = seen.page.get_by_role("button", name="Add pipeline")
    add.click()
    assert seen.settled().page.locator(".panel").count() == 3
    assert add.is_disabled()
    seen.page.get_by_role("button", name="Remove words").click()
    assert seen.page.locator(".panel").count() == 2
    assert seen.order(1) != []
    assert (
        seen.page.evaluate("[...document.querySelectorAll('.panel-head .select')].indexOf(document.activeElement)") == 1
    )  # the focus goes on to what stands there now


def test_three_panels_are_side_by_side_where_there_is_room(visit, url):
    for width, columns in ((1400, 3), (1200, 2)):
        seen = visit(url, (width, 900)).go()
        seen.page.get_by_role("button", name="Add pipeline").click()
        lefts = seen.settled().page.locator(".panel").evaluate_all("all => all.map(e => e.getBoundingClientRect().x)")
        assert len(set(lefts)) == columns
        assert seen.panel().locator(".row .text").first.bounding_box()["width"] > 140


def test_a_passage_is_lit_in_all_panels(visit, url):
    seen = visit(url).go()
    first = seen.order(0)[0]
    seen.panel(0).locator(f".row[data-passage='{first}']").hover()
    lit = seen.page.locator(".row[data-lit], .lines g[data-lit]")
    assert lit.count() == 4
    assert set(lit.evaluate_all("all => all.map(each => each.dataset.passage)")) == {str(first)}
    seen.page.mouse.move(5, 5)
    assert lit.count() == 0


def test_a_slider_redraws(visit, url):
    seen = visit(url).go()
    before = seen.order(0)
    slider = seen.page.get_by_role("slider", name="mmr: diversity")
    slider.focus()
    slider.press("End")
    seen.settled()
    texts = seen.ranked()[-1]["passages"]
    assert seen.ranked()[-1]["settings"] == {"second.diversity": 1}
    assert seen.order(0) == expected(Lexical() >> Mmr(diversity=1.0), texts, seen.ranked()[-1]["query"])[0] != before
    seen.page.get_by_role("button", name="Reset settings").click()
    assert seen.settled().order(0) == before


def test_the_last_request_wins(visit, url):
    seen = visit(url).go()
    held, failed = [], []
    seen.page.on("requestfailed", lambda request: failed.append(request))

    def hold_the_first(route):
        if held:
            route.continue_()
        held.append(route)

    seen.page.route("**/playground/api/rank", hold_the_first)
    slider = seen.page.get_by_role("slider", name="mmr: diversity")
    slider.focus()
    slider.press("Home")
    seen.page.wait_for_timeout(300)
    slider.press("End")
    seen.settled()
    assert [json.loads(each.post_data)["settings"] for each in failed] == [{"second.diversity": 0}]
    last = seen.ranked()[-1]
    assert seen.order(0) == expected(Lexical() >> Mmr(diversity=1.0), last["passages"], last["query"])[0]


def test_a_slider_ranks_while_it_moves(visit, url):
    seen = visit(url).go()
    before = len(seen.ranked())
    slider = seen.page.get_by_role("slider", name="mmr: diversity")
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
        seen.page.wait_for_timeout(50)  # never as long as it takes to ask after a move has ended
    while_moving = len(seen.ranked()) - before
    assert while_moving >= 2
    assert seen.settled().ranked()[-1]["settings"] == {"second.diversity": 0.7}


def test_a_failed_run_leaves_no_ranking_of_another_query(visit, url):
    seen = visit(url).go()
    fill(seen, TEXTS, query=" ")
    run(seen)
    assert "Write a query first." in seen.page.locator(".inputs .error").inner_text()
    assert seen.page.locator(".row").count() == 0
    fill(seen, TEXTS)
    assert run(seen).order() == expected(EXPRESSIONS["diverse"])[0]


def test_a_ranking_that_takes_long_says_so(visit, url):
    seen = visit(url).go()
    held = []
    seen.page.route("**/playground/api/rank", lambda route: held.append(route))
    seen.page.get_by_role("button", name="Run").click()
    told = seen.panel().locator("p[aria-live=polite]", has_text="Ranking…")
    told.wait_for()
    seen.page.wait_for_function("document.querySelectorAll('[aria-busy=true]').length == 2")
    for route in held:
        route.continue_()
    seen.settled()
    assert told.count() == 0


def test_on_a_phone_a_run_leads_to_the_rankings(visit, url):
    seen = visit(url, PHONE).go()
    top = "document.getElementById('rankings').getBoundingClientRect().top"
    assert seen.page.evaluate(top) > PHONE[1] / 2
    run(seen)
    assert abs(seen.page.evaluate(top)) < 2
    wide = visit(url).go()
    run(wide)
    assert wide.page.evaluate("scrollY") == 0


MANY_MOVES = """async (slider) => {
    for (let nth = 0; nth < 20; nth++) {
        slider.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
        await new Promise((next) => setTimeout(next));
    }
}"""


def test_a_slider_that_moves_asks_few_times(visit, url):
    seen = visit(url).go()
    before = len(seen.ranked())
    slider = seen.page.get_by_role("slider", name="mmr: diversity")
    slider.focus()
    slider.evaluate(MANY_MOVES)
    seen.settled()
    assert 1 <= len(seen.ranked()) - before < 20
    assert seen.ranked()[-1]["settings"] == {"second.diversity": 0.7}


def test_where_the_cut_fell(visit, url):
    seen = visit(url).go().choose("cut")
    cut = seen.panel().locator(".cut")
    assert cut.inner_text().startswith(f"Cut after {len(seen.order())}")
    assert "below the largest drop of the score" in cut.inner_text()
    assert seen.out() != []


def test_the_redundancy_that_dropped_a_passage(visit, url):
    seen = visit(url).go()
    fill(seen, ["The moon causes the tides.", "Bread rises.", "The moon causes the tides!"])
    run(seen).choose("repeats")
    (lost,) = seen.out()
    other = 2 - lost
    row = seen.panel().locator(f".row[data-passage='{lost}']")
    told = f"the one now at {seen.order().index(other) + 1}"
    assert f"Like {told} (0.9" in row.inner_text()
    assert row.locator(".score").inner_text().split() == ["–", "✕", ",", "dropped"]
    row.locator(".row-head").click()
    row.get_by_role("button", name=f"Show {told}").click()
    assert seen.page.evaluate("document.activeElement.closest('.row').dataset.passage") == str(other)


def test_no_reason_names_a_passage_by_its_place_before(visit, url):
    seen = visit(url).go().choose("graph")
    for row in seen.panel().locator(".row-head").all():
        row.click()
    told = seen.panel().locator(".rows").inner_text()
    assert "the one now at" in told
    assert not re.search(r"#\d", told)


def test_criteria_have_bars_and_weights_that_redraw(visit, url):
    seen = visit(url).go().choose("judged")
    heads = seen.panel().locator(".criteria thead th").all_inner_texts()
    assert heads[:4] == ["Passage", "relevance", "Depth", "Care"]
    bars = seen.panel().locator(".criteria tbody tr").first.locator(".bar span")
    assert bars.first.bounding_box()["width"] > 10
    before = seen.order()
    weight = seen.panel().get_by_role("slider", name="rebel Care: weight")
    weight.focus()
    weight.press("Home")
    assert seen.settled().order() != before


def test_the_graph_and_its_edges_in_words(visit, url):
    seen = visit(url).go().choose("graph")
    drawn = seen.panel().locator(".circle line").count()
    assert drawn > 0
    seen.panel().get_by_role("button", name=f"{drawn} edges as a table").click()
    assert seen.panel().locator(".graph tbody tr").count() == drawn


def test_movement_in_words(visit, url):
    seen = visit(url).go()
    seen.panel().get_by_role("button", name="Movement as a table").click()
    rows = seen.panel().locator(".as-table tbody tr").all_inner_texts()
    assert [int(row.split("\t")[0]) - 1 for row in rows] == seen.order()


def test_a_row_opens_and_the_line_follows(visit, url):
    seen = visit(url).go()
    row = seen.panel().locator(".row-head").first
    ends = (
        "all => all.map(each => Math.round(each.getBoundingClientRect().y + each.getBoundingClientRect().height / 2))"
    )
    row.click()
    assert row.get_attribute("aria-expanded") == "true"
    assert "similarity to a pick" in seen.panel().locator(".row-panel").first.inner_text()
    seen.page.wait_for_timeout(100)
    dots = seen.panel().locator(".lines circle").evaluate_all(ends)
    ranks = seen.panel().locator(".rows .rank").evaluate_all(ends)
    assert all(abs(dot - rank) <= 1 for dot, rank in zip(dots, ranks, strict=True))


def test_code_in_five_languages_and_the_python_runs(visit, url):
    seen = visit(url).go()
    fill(seen, TEXTS)
    run(seen)
    slider = seen.page.get_by_role("slider", name="mmr: diversity")
    slider.focus()
    slider.press("Home")
    seen.settled()
    seen.page.get_by_role("button", name="Code").click()
    dialog = seen.page.get_by_role("dialog")
    codes = {}
    for name in LANGUAGES:
        dialog.get_by_role("tab", name=name).click()
        codes[name] = dialog.get_by_label(f"{name} code").inner_text()
    assert all(len(code) > 100 for code in codes.values()) and len(set(codes.values())) == 5
    with redirect_stdout(StringIO()) as told:
        exec(compile(codes["Python"], "snippet", "exec"), {})
    assert [TEXTS.index(line.partition(" ")[2]) for line in told.getvalue().splitlines()] == seen.order()
    seen.page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert seen.page.evaluate("document.activeElement.textContent") == "Code"


def test_code_is_copied(visit, url):
    seen = visit(url, permissions=["clipboard-read", "clipboard-write"]).go()
    seen.page.get_by_role("button", name="Code").click()
    seen.page.get_by_role("button", name="Copy").click()
    seen.page.get_by_text("Copied.").wait_for()
    code = seen.page.get_by_label("Python code").inner_text()
    assert seen.page.evaluate("navigator.clipboard.readText()").strip() == code.strip()


def shown(seen):
    return (
        [seen.page.get_by_role("textbox", name=name).input_value() for name in ("Query", "Passages", "Keep at most")],
        [(seen.order(nth), seen.out(nth)) for nth in range(seen.page.locator(".panel").count())],
        seen.page.locator(".panel .select").all_inner_texts(),
        seen.page.locator("output").all_inner_texts(),
    )


def test_a_link_shows_the_same_elsewhere(visit, url):
    seen = visit(url, permissions=["clipboard-read", "clipboard-write"]).go()
    fill(seen, [*TEXTS, 'naïve 🌙 "quotes" <b>&amp;'], "tides?")
    seen.page.get_by_role("textbox", name="Keep at most").fill("2")
    run(seen).choose("graph", 1)
    slider = seen.page.get_by_role("slider", name="mmr: diversity")
    slider.focus()
    slider.press("ArrowLeft")
    seen.settled()
    seen.page.get_by_role("button", name="Link").click()
    seen.page.get_by_text("The link is copied.").wait_for()
    link = seen.page.evaluate("navigator.clipboard.readText()")
    assert link == seen.page.url and link.startswith(f"{url}/#1.")
    other = visit(url).go(link.removeprefix(f"{url}/"))
    assert shown(other) == shown(seen)
    assert len(shown(seen)[1][0][0]) == 2
    assert not any(link.partition("#")[2][:40] in each.url.partition("#")[0] for each in other.asked)


@pytest.mark.parametrize("fragment", ["#1.AAAA", "#nonsense", "#1.", "#0"])
def test_a_broken_link_shows_the_example(visit, url, fragment):
    seen = visit(url).go(fragment)
    assert len(seen.order()) == 10


STRANGE = [
    None, 3, "x", [], {}, {"panels": 7}, {"panels": [None, 3, {"pipeline": "no such"}]}, {"query": 3, "text": {}},
    {"panels": [{"pipeline": "words", "settings": {"k1": "wide", "__proto__": 1, "model": "evil"}}]},
    {"panels": [{"pipeline": "words", "settings": [1]}] * 50, "top": -4, "k": 1e9, "source": "folder", "collection": 5},
]  # fmt: skip


def link(state):
    pack = zlib.compressobj(wbits=-15)
    packed = pack.compress(json.dumps(state).encode()) + pack.flush()
    return "#1." + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def test_a_link_says_what_this_server_does_not_have(visit, url):
    panels = [{"pipeline": "gone"}, {"pipeline": "diverse", "settings": {"second.diversity": 7, "model": "x"}}]
    seen = visit(url).go(link({"query": QUERY, "panels": panels, "source": "folder", "collection": "attic"}))
    told = seen.page.locator(".notice").inner_text()
    assert all(each in told for each in ("pipeline “gone”", "folder “attic”", "“second.diversity” = “7”", "“model”"))
    assert seen.ranked()[-1]["settings"] == {"second.diversity": 1}
    known = {"query": QUERY, "panels": [{"pipeline": "diverse", "settings": {"second.diversity": 0.3}}]}
    assert visit(url).go(link(known)).page.locator(".notice").inner_text() == ""


def test_strange_links_break_nothing(visit, url):
    seen = visit(url)
    for state in STRANGE:
        seen.page.goto("about:blank")
        seen.go(link(state))
        assert 1 <= seen.page.locator(".panel").count() <= 3, state
        assert seen.page.get_by_role("button", name="Run").is_enabled(), state
    assert all("status of 4" in each for each in seen.said)  # refusals, which the page shows
    seen.said.clear()


def test_a_folder_is_searched_and_ranked(visit, url):
    seen = visit(url).go()
    seen.page.get_by_role("tab", name="Search a folder").click()
    seen.page.get_by_role("textbox", name="Query").fill(QUERY)
    run(seen)
    assert "The moon causes the tides of the sea." in seen.panel().locator(".row").first.inner_text()
    assert seen.panel().locator(".row .id").first.inner_text().startswith("tides.md")
    seen.page.get_by_role("button", name="Link").click()
    seen.page.get_by_text("The link").first.wait_for()
    other = visit(url).go(seen.page.url.partition("/#")[2].join(["#", ""]))
    assert (
        other.order() == seen.order() and other.page.get_by_role("tab", name="Search a folder", selected=True).count()
    )


PASTED = [
    ("one tide\ntwo", "2 passages, one a line.", 2),
    ("one\ntide\n\ntwo\n \nthree", "3 passages, between blank lines.", 3),
    ('["one tide", {"text": "two", "id": "x"}]', "2 passages, JSON.", 2),
    ('{"text": "one"}\n{"text": "two"}\n{"text": "three"}', "3 passages, JSON.", 3),
    ("[not JSON] tide\nsecond", "2 passages, one a line.", 2),
]


def test_ways_to_paste(visit, url):
    seen = visit(url).go()
    for text, told, number in PASTED:
        seen.page.get_by_role("textbox", name="Passages").fill(text)
        assert told in seen.page.locator(".inputs").inner_text()
        assert len(run(seen).order()) == number


@pytest.mark.parametrize(
    ("text", "told"), [("", "Paste at least one"), ('["a", 3]', "Passage 2 is neither"), ('["a"', "looks like JSON")]
)
def test_what_cannot_be_ranked_is_said_in_place(visit, url, text, told):
    seen = visit(url).go()
    seen.page.get_by_role("textbox", name="Passages").fill(text)
    seen.page.get_by_role("button", name="Run").click()
    error = seen.page.locator(".inputs .error")
    error.filter(has_text=told).wait_for()
    assert error.get_attribute("aria-live") == "polite"
    assert seen.order() == []  # of what was ranked before


def test_what_the_server_refuses_is_said_in_place(visit, serve):
    seen = visit(serve({"words": "lexical"}, playground=True, max_passages=2))
    seen.go()
    assert "more than the 2" in seen.panel().locator(".error").inner_text()
    fill(seen, TEXTS[:2])
    assert len(run(seen).order()) == 2
    assert seen.panel().locator(".error").inner_text() == ""
    seen.said[:] = [each for each in seen.said if "413" not in each and "422" not in each]


def test_markup_is_text(visit, url):
    seen = visit(url).go()
    evil = ["<img src=x onerror=alert(1)> tides", "<script>alert(1)</script>", "javascript:alert(1) {{7*7}} ${7*7}"]
    fill(seen, evil, "<svg onload=alert(1)> tides")
    run(seen)
    assert seen.page.locator(".rows img, .rows script").count() == 0
    assert sorted(seen.panel().locator(".row .text").all_inner_texts()) == sorted(evil)


def test_a_key_is_asked_for_only_where_one_is_needed(visit, url, serve):
    assert visit(url).go().page.get_by_label("API key").count() == 0
    locked = serve({"words": "lexical"}, playground=True, keys=(hashlib.sha256(KEY.encode()).hexdigest(),))
    seen = visit(locked)
    seen.page.goto(locked)
    field = seen.page.get_by_label("API key")
    field.wait_for()
    assert "This server wants an API key." in seen.page.inner_text("main")
    refused = seen.page.get_by_text("This key is not accepted.")
    assert refused.count() == 0
    field.fill("wrong")
    seen.page.get_by_role("button", name="Use key").click()
    refused.wait_for()
    field.fill(KEY)
    seen.page.get_by_role("button", name="Use key").click()
    assert len(seen.settled().order()) == 10
    assert seen.page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]
    seen.said[:] = [each for each in seen.said if "401" not in each]


def tab_to(page, name):
    for _ in range(60):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            "() => { const e = document.activeElement; const style = getComputedStyle(e);"
            " return [e.labels?.[0]?.textContent ?? e.getAttribute('aria-label') ?? e.textContent, e.matches(':focus-visible')] }"
        )
        assert focus[1], f"the focus is not to be seen on {focus[0]}"
        if name in focus[0]:
            return
    raise AssertionError(f"the Tab key does not come to {name}")


def test_the_keyboard_is_enough(visit, url):
    seen = visit(url).go()
    page = seen.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the rankings"
    tab_to(page, "Query")
    page.keyboard.press("Control+a")
    page.keyboard.type(QUERY)
    tab_to(page, "Passages")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("\n".join(TEXTS))
    page.keyboard.press("Control+Enter")
    assert seen.settled().order() == expected(EXPRESSIONS["diverse"])[0]
    tab_to(page, "diverse")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert seen.settled().order() == expected(EXPRESSIONS["graph"])[0]
    tab_to(page, TEXTS[seen.order()[0]])
    assert page.locator(".row[data-lit]").count() == 2
    page.keyboard.press("Enter")
    assert page.locator(".row-panel:visible").count() == 1


def test_what_happens_is_told(visit, url):
    seen = visit(url).go()
    status = seen.page.locator("p[role=status].hidden")
    assert re.search(r"(diverse|words): kept 10 of 10 passages in ", status.inner_text())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(visit, url, scheme, size):
    seen = visit(url, size, scheme).go()
    while seen.page.locator(".panel").count() < 3:
        seen.page.get_by_role("button", name="Add pipeline").click()
    for nth, name in enumerate(("judged", "graph", "cut")):
        seen.choose(name, nth).panel(nth).locator(".row-head").last.click()
        for table in seen.panel(nth).get_by_role("button", name="as a table").all():
            table.click()
    assert seen.findings() == []
    seen.choose("repeats")
    seen.page.get_by_role("tab", name="Search a folder").click()
    seen.page.get_by_role("button", name="Link").click()
    assert seen.findings() == []
    seen.page.get_by_role("button", name="Code").click()
    seen.page.get_by_role("tab", name="curl").wait_for()
    assert seen.findings() == []


def test_axe_finds_what_is_wrong(visit, url):
    seen = visit(url).go()
    seen.page.evaluate("document.querySelector('.brand').append(document.createElement('button'))")
    assert any(each.startswith("button-name") for each in seen.findings())


@pytest.mark.parametrize("fragmented", [False, True], ids=["example", "long words"])
def test_nothing_runs_off_a_phone(visit, url, fragmented):
    seen = visit(url, PHONE).go()
    if fragmented:
        fill(seen, ["x" * 500 + " tides", "https://example.org/" + "y" * 300])
        run(seen)
    for name in ("judged", "graph", "cut", "diverse"):
        seen.choose(name)
        assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE[0], name
    seen.page.get_by_role("button", name="Code").click()
    seen.page.get_by_role("tab", name="curl").click()
    assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


@pytest.mark.parametrize("width", [640, 320])
def test_a_window_zoomed_to_200_and_400_percent_needs_no_scrolling_to_the_side(visit, url, width):
    seen = visit(url, (width, 450)).go().choose("judged")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width


def test_nothing_moves_for_who_wants_no_motion(visit, url):
    still, moving = visit(url).go(), visit(url, reduced_motion="no-preference").go()
    duration = "getComputedStyle(document.querySelector('.line')).transitionDuration"
    assert (still.page.evaluate(duration), moving.page.evaluate(duration)) == ("0s", "0.26s")


def test_colours_follow_the_reader(visit, url):
    surfaces = {
        visit(url, scheme=scheme)
        .go()
        .page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert surfaces == {"rgb(252, 252, 251)", "rgb(20, 23, 26)"}


def test_the_strictest_policy_is_enough(visit, url):
    seen = visit(url)
    seen.page.route(
        f"{url}/",
        lambda route: route.fulfill(
            response=(got := route.fetch()),
            headers={**got.headers, "content-security-policy": "default-src 'self'; frame-ancestors 'none'"},
        ),
    )
    assert len(seen.go().choose("judged").choose("graph").order()) == 10
    seen.page.get_by_role("button", name="Code").click()
    seen.page.get_by_role("tab", name="curl").click()
