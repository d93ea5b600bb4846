"""The app in a real browser, over real runs."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.chromium import Opened
from tests.warmth import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
PATIENCE_SECONDS = 60
SLOW = "import time\nfor second in range(600):\n    print('second', second, flush=True)\n    time.sleep(1)"
# What a report must not be able to do; each writes down that it could.
HOSTILE = """<!doctype html><title>hostile</title><p>shown</p><p id="outcome"></p>
<script>
  const could = ["run"];
  const tried = (name, act) => { try { if (act()) could.push(name); } catch (error) { /* it could not */ } };
  tried("read the cookie", () => document.cookie !== "");
  tried("keep something", () => { localStorage.setItem("a", "b"); return true; });
  tried("reach the app", () => top.document.body);
  if (top !== self) tried("lead away", () => { top.location = "http://127.0.0.1:PORT/away"; return false; });
  tried("open a window", () => window.open("http://127.0.0.1:PORT/window"));
  const image = new Image(); image.src = "http://127.0.0.1:PORT/image";
  fetch("http://127.0.0.1:PORT/fetched", {mode: "no-cors"}).then(() => could.push("fetch"), () => 0)
    .finally(() => { document.getElementById("outcome").textContent = could.join(", "); });
</script>"""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The app over a project; its login link."""
    command = [sys.executable, "-m", "nightbook", "ui", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            (link,) = re.findall(r"http\S+", server.stdout.readline())
            yield link
        finally:
            server.terminate()


@pytest.fixture
def eavesdropper() -> Iterator[tuple[str, list[str]]]:
    """A server to which a report would tell what it knows: its port, and what it has been asked for."""
    asked: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not on the tests' own output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Ear) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield str(server.server_port), asked
        server.shutdown()


@contextmanager
def begun(command: list[str], folder: Path) -> Iterator[None]:
    """A command that goes on meanwhile."""
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.fixture
def open_app(browser: Browser) -> Callable[..., AbstractContextManager[Opened]]:
    """Open the app; every request to another place than its two is written down, and so is every complaint."""

    @contextmanager
    def open_page(link: str, *, width: int = 1280, is_dark: bool = False, has_scripts: bool = True) -> Iterator[Opened]:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if is_dark else "light",
            java_script_enabled=has_scripts,
        )
        page = context.new_page()
        opened = Opened(page=page)
        page.on("request", lambda request: opened.requests.append(request.url))
        page.on("pageerror", lambda error: opened.problems.append(str(error)))
        page.on("console", lambda line: opened.problems.append(line.text) if line.type == "error" else None)
        page.goto(link)
        yield opened
        context.close()

    return open_page


def outside(opened: Opened, link: str) -> list[str]:
    app = link.split("/login", maxsplit=1)[0]
    return [url for url in opened.requests if not url.startswith((app, "http://localhost:", "data:"))]


def follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()


def test_somebody_logs_in_finds_a_run_and_reads_its_report(
    finished_project: Path, open_app: Callable[..., AbstractContextManager[Opened]]
) -> None:
    with serving(finished_project) as link, open_app(link) as opened:
        page = opened.page
        expect(page.get_by_role("heading", name="shop")).to_be_visible()
        follow(page, "Runs")
        page.get_by_label("Stage", exact=True).select_option("fit")
        page.get_by_role("button", name="Show").click()
        assert "stage=fit" in page.url
        follow(page, "fit #3")
        report = page.frame_locator("iframe")
        expect(report.get_by_role("heading", name="fit #3")).to_be_visible()
        assert opened.problems == []
        assert outside(opened, link) == []
        assert page.evaluate("document.cookie") == ""


@pytest.mark.parametrize(("width", "is_dark"), [(1280, False), (1280, True), (390, False), (320, True)])
def test_every_page_can_be_read_by_everybody(
    finished_project: Path, open_app: Callable[..., AbstractContextManager[Opened]], width: int, is_dark: bool
) -> None:
    with serving(finished_project) as link, open_app(link, width=width, is_dark=is_dark) as opened:
        app = link.split("/login")[0]
        for path in ("/", "/runs", "/runs/1", "/runs/3", "/runs/4", "/compare?runs=3,6", "/diff/3...6", "/runs/999"):
            opened.page.goto(app + path)
            assert (path, opened.violations()) == (path, [])
            assert (path, opened.overflow()) == (path, 0)


def test_without_scripts_one_can_read_filter_and_compare(
    finished_project: Path, open_app: Callable[..., AbstractContextManager[Opened]]
) -> None:
    with serving(finished_project) as link, open_app(link, has_scripts=False) as opened:
        page = opened.page
        follow(page, "Runs")
        page.get_by_label("Compare fit #3").check()
        page.get_by_label("Compare fit #6").check()
        page.get_by_role("button", name="Compare the chosen").click()
        expect(page.get_by_role("row", name="alpha 0.5 0.25")).to_be_visible()


def test_keys_lead_to_pages_but_not_while_somebody_writes(
    finished_project: Path, open_app: Callable[..., AbstractContextManager[Opened]]
) -> None:
    with serving(finished_project) as link, open_app(link) as opened:
        page = opened.page
        page.keyboard.press("g")
        page.keyboard.press("r")
        expect(page).to_have_url(re.compile("/runs$"))
        page.keyboard.press("/")
        page.keyboard.type("gh")
        expect(page.get_by_label("Text")).to_have_value("gh")
        expect(page).to_have_url(re.compile("/runs$"))


@pytest.mark.slow
def test_a_run_is_watched_and_cancelled(
    tmp_path: Path, new_notebook: Callable[..., Path], open_app: Callable[..., AbstractContextManager[Opened]]
) -> None:
    folder = new_notebook(tmp_path / "shop" / "slow.ipynb", "n: int = 1", SLOW).parent
    with begun([sys.executable, "-m", "nightbook", "run", "slow.ipynb"], folder), serving(folder) as link:
        until(
            lambda: any("second 1" in one.read_text() for one in folder.glob(".nightbook/runs/*/events.jsonl")),
            patience_seconds=PATIENCE_SECONDS,
        )
        with open_app(link) as opened:
            page = opened.page
            expect(page.get_by_text("cell 1 of 2")).to_be_visible()
            expect(page.get_by_text("second 3")).to_be_visible(timeout=PATIENCE_SECONDS * 1000)
            page.get_by_role("button", name="Cancel slow #1").click()
            expect(page.get_by_text("interrupted in cell 1").first).to_be_visible(timeout=PATIENCE_SECONDS * 1000)
            assert opened.problems == []


def test_a_report_reaches_neither_the_app_nor_its_cookie_nor_the_network(
    tmp_path: Path,
    new_notebook: Callable[..., Path],
    open_app: Callable[..., AbstractContextManager[Opened]],
    eavesdropper: tuple[str, list[str]],
) -> None:
    port, asked = eavesdropper
    notebook = new_notebook(tmp_path / "shop" / "one.ipynb", "n: int = 1", "print(n)")
    done = subprocess.run([sys.executable, "-m", "nightbook", "run", notebook.name], cwd=notebook.parent, check=False)
    assert done.returncode == 0
    (report,) = notebook.parent.glob(".nightbook/runs/*/report.html")
    report.write_text(HOSTILE.replace("PORT", port))
    with serving(notebook.parent) as link, open_app(link) as opened:
        app = link.split("/login")[0]
        opened.page.goto(f"{app}/runs/1")
        frame = opened.page.frame_locator("iframe")
        expect(frame.get_by_text("shown")).to_be_visible()
        expect(frame.locator("#outcome")).to_have_text("run")
        assert opened.page.url == f"{app}/runs/1"
        assert asked == []
        # Without the walls it gets further: what is seen above is not a mistake of its own.
        opened.page.goto(report.as_uri())
        expect(opened.page.locator("#outcome")).to_contain_text("fetch")
        assert {"/image", "/fetched"} <= set(asked)
