"""A real browser for tests of the page: what it asked of whom, and what it complained of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Any

from tests.chromium import CHROMIUM, QUIET

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Request

DESKTOP, PHONE = (1280, 900), (390, 844)
_PATIENCE = 10_000.0  # milliseconds
_RANKED = "() => !document.querySelector('[aria-busy=true]') && document.querySelector('.row, .error:not(:empty)')"


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield running
        running.close()


@dataclass
class Visit:
    """A page that is looked at.

    Attributes:
        page: it.
        url: of the server.
        asked: every request, in order.
        said: what stood in the console, and errors that nothing caught.
    """

    page: Page
    url: str
    asked: list[Request] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def go(self, fragment: str = "") -> Visit:
        """Open it, and wait for the rankings."""
        self.page.goto(f"{self.url}/{fragment}")
        return self.settled()

    def settled(self) -> Visit:
        """Wait until nothing is being ranked."""
        self.page.wait_for_timeout(150)  # a moving slider asks for nothing yet
        self.page.wait_for_function(_RANKED)
        return self

    def panel(self, nth: int = 0) -> Locator:
        return self.page.locator(".panel").nth(nth)

    def order(self, nth: int = 0) -> list[int]:
        """The places in the input of the passages that a panel keeps, best first."""
        return self._indices(nth, "ol")

    def out(self, nth: int = 0) -> list[int]:
        """Of those that it drops."""
        return self._indices(nth, "ul")

    def _indices(self, nth: int, which: str) -> list[int]:
        rows = self.panel(nth).locator(f".rows > {which} > .row")
        return [int(index) for index in rows.evaluate_all("rows => rows.map(row => row.dataset.passage)")]

    def choose(self, name: str, nth: int = 0) -> Visit:
        """Another pipeline in a panel."""
        self.panel(nth).locator(".panel-head .select").click()
        self.page.get_by_role("option", name=name, exact=True).click()
        return self.settled()

    def ranked(self) -> list[dict[str, Any]]:
        """The bodies of all requests for rankings."""
        return [json.loads(each.post_data or "") for each in self.asked if each.url.endswith("/playground/api/rank")]

    def foreign(self) -> list[str]:
        return [each.url for each in self.asked if not each.url.startswith((self.url, "data:", "blob:"))]

    def findings(self) -> list[str]:
        """What axe-core finds that is serious or critical, in words."""
        source = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
        self.page.evaluate(source)
        found = self.page.evaluate("async () => (await axe.run(document)).violations")
        return [
            f"{each['id']}: {node['html']} {node['failureSummary']}"
            for each in found
            if each["impact"] in {"serious", "critical"}
            for node in each["nodes"]
        ]


Visits = Callable[..., Visit]


@contextmanager
def visits(running: Browser) -> Iterator[Visits]:
    """Opens pages that have nothing in common; at the end, that none of them complained or asked a foreign host."""
    opened: list[Visit] = []

    def visit(url: str, size: tuple[int, int] = DESKTOP, scheme: str = "light", **given: Any) -> Visit:
        settings = {
            "viewport": {"width": size[0], "height": size[1]},
            "color_scheme": scheme,
            "reduced_motion": "reduce",
        }
        context = running.new_context(**{**settings, **given})
        context.set_default_timeout(_PATIENCE)
        page = context.new_page()
        made = Visit(page, url)
        page.on("request", lambda request: made.asked.append(request))
        page.on("console", lambda message: made.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: made.said.append(str(error)))
        opened.append(made)
        return made

    yield visit
    said, foreign = ([each for visit in opened for each in what(visit)] for what in (lambda v: v.said, Visit.foreign))
    for each in opened:
        each.page.context.close()
    assert (said, foreign) == ([], [])
