"""The report in a real browser: no word in its console, no request, nothing that runs off the page."""

import json
import shutil
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.chromium import CHROMIUM, QUIET

from .report_cases import comparison

for package in ("matplotlib", "jinja2", "scipy"):
    pytest.importorskip(package)
webdriver = pytest.importorskip("selenium.webdriver")

from shortlist.evaluation.report import html_report  # noqa: E402 - skips where they cannot be imported

DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed"),
]


class Server(BaseHTTPRequestHandler):
    """Gives the page to whoever asks, and notes what was asked."""

    def __init__(self, page, asked, *rest):
        self.page, self.asked = page, asked
        super().__init__(*rest)

    def do_GET(self):
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def served():
    """Where the page is, and the list of what was asked of the server."""
    asked = []
    server = HTTPServer(("127.0.0.1", 0), partial(Server, html_report(comparison()).encode(), asked))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/report", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    for argument in ("--headless", *QUIET, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.set_capability("pageLoadStrategy", "normal")
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield found
    found.quit()


def requests(browser):
    """What the page asked for, by the browser's own log."""
    events = [json.loads(each["message"])["message"] for each in browser.get_log("performance")]
    sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith("data:")]


WIDER = """
const wide = document.documentElement.clientWidth;
return [...document.querySelectorAll('body *')].filter(each => !each.closest('.scroll, pre, svg'))
  .filter(each => each.getBoundingClientRect().right > wide + 0.5).map(each => each.outerHTML.slice(0, 80));
"""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_in_a_browser(served, browser, width, scheme):
    address, asked = served
    asked.clear()
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    metrics = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get_log("performance")
    browser.get(address)
    browser.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.get_log("browser") == []
    assert asked == ["/report"] and requests(browser) == [address]
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(WIDER) == []
    back = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert back == ("rgb(252, 252, 251)" if scheme == "light" else "rgb(20, 23, 26)")
    assert smallest_letters(browser) >= 9.5
    shades = browser.execute_script(
        "return [...new Set([...document.querySelectorAll('svg text')].map(each => getComputedStyle(each).fill))]"
    )
    assert "rgb(0, 0, 0)" not in shades and len(shades) > 1


def smallest_letters(browser):
    """Height in pixels of the smallest letters in a picture, as they are shown."""
    return browser.execute_script(
        "return Math.min(...[...document.querySelectorAll('svg text')].map(each => { const at = each.getScreenCTM();"
        "return parseFloat(getComputedStyle(each).fontSize) * Math.hypot(at.a, at.b) }))"
    )


def test_the_check_sees_what_it_looks_for(browser, tmp_path):
    """A page that asks for something and says something is caught."""
    page = tmp_path / "bad.html"
    page.write_text(
        "<body style='width:5000px'><p>x</p><script>console.error('no')</script><img src='http://127.0.0.1:9/x.png'>"
    )
    browser.get_log("performance")
    browser.get(page.as_uri())
    assert browser.get_log("browser") and "http://127.0.0.1:9/x.png" in requests(browser)
    assert browser.execute_script(WIDER)
