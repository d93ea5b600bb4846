"""A day at the desk: real JupyterLab in a real browser, on the example project with two months of its data."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

REPOSITORY = Path(__file__).parents[2]
TOKEN = "desk"
PATIENCE_MS = 90_000
BROWSER_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
FORM_CELL = """\
from nightbook.widgets import ParameterForm
form = ParameterForm("train.ipynb")
form"""
DESK = [FORM_CELL, "6 * 7", "form.last_run", "import nightbook\nnightbook.plan('train')"]

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("jupyterlab")]


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that serves the project."""

    url: str
    root: Path

    def open(self, browser: Browser, notebook: str) -> Page:
        """A notebook in a new window, its kernel idle."""
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{self.url}/lab/tree/notebooks/{notebook}?token={TOKEN}&reset")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        # The notebook's own mark says idle before there is a kernel; what is executed then is lost.
        expect(page.locator("#jp-main-statusbar")).to_contain_text("(ipykernel) | Idle", timeout=PATIENCE_MS)
        return page


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with the flights of January and February prepared."""
    root = tmp_path_factory.mktemp("desk") / "flights"
    shutil.copytree(
        REPOSITORY / "notebooks",
        root / "notebooks",
        ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"),
    )
    (root / "nightbook.toml").write_text("[stages.collect.parameters]\nmonths = [1, 2]\n", encoding="utf-8")
    cells: list[object] = [
        {"cell_type": "code", "id": f"c{n}", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for n, source in enumerate(DESK)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    desk = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}
    (root / "notebooks" / "desk.ipynb").write_text(json.dumps(desk), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "nightbook", "run", "prepare"],
        cwd=root,
        check=True,
        capture_output=True,
    )
    return root


@pytest.fixture(scope="module")
def lab(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab as `make lab` starts it, with folders of its own."""
    home = tmp_path_factory.mktemp("jupyter")
    news = home / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    options = [f"--port={port}", "--ip=127.0.0.1", "--no-browser", "--allow-root", f"--IdentityProvider.token={TOKEN}"]
    with (home / "log.txt").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, "--ServerApp.port_retries=0"],
            cwd=project,
            env={**os.environ, **folders},
            stdout=log,
            stderr=log,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for_server(f"{url}/api?token={TOKEN}", server)
            yield Lab(url=url, root=project)
        finally:
            server.terminate()
            server.wait()


def wait_for_server(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        assert server.poll() is None, "JupyterLab ended early"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    pytest.fail("JupyterLab did not answer")


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=BROWSER_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Screenshots for people to look at."""
    return tmp_path_factory.mktemp("pictures")


def code_cells(page: Page) -> Locator:
    return page.locator(".jp-Notebook .jp-CodeCell")


def execute(page: Page, number: int) -> Locator:
    """Run one code cell with Shift+Enter; returns it when it has ended."""
    cell = code_cells(page).nth(number)
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"), timeout=PATIENCE_MS)
    return cell


def field(form: Locator, name: str) -> Locator:
    """The row of a parameter."""
    return form.locator(".nb-row", has=form.page.locator(f'.widget-label:text-is("{name}")'))


def test_a_stage_runs_by_hand_cell_by_cell_with_a_parameter_edited_by_hand(
    lab: Lab, browser: Browser, pictures: Path
) -> None:
    page = lab.open(browser, "train.ipynb")
    for name, value in (("last_month", "2"), ("trees", "20")):
        line = code_cells(page).nth(0).locator(".cm-line", has_text=re.compile(f"^{name}:"))
        line.locator("span", has_text=re.compile(r"^\d+$")).last.dblclick()
        page.keyboard.type(value)
    number = code_cells(page).count()
    assert number >= 8
    for position in range(number):
        cell = execute(page, position)
        assert cell.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0, cell.inner_text()
    prompts = code_cells(page).locator(".jp-InputPrompt").all_text_contents()
    assert [int(re.sub(r"\D", "", one)) for one in prompts[:number]] == list(range(1, number + 1))
    expect(code_cells(page).nth(2)).to_contain_text("from January to February")
    expect(page.locator(".jp-Notebook")).to_contain_text("validation_mae =")
    expect(code_cells(page).nth(number - 1)).to_contain_text("In short.")
    assert code_cells(page).locator(".jp-OutputArea-output img").count() >= 2
    assert (lab.root / "data" / "models" / "model.joblib").stat().st_size > 1000
    page.screenshot(path=pictures / "by-hand.png")
    page.close()


def test_the_form_refuses_a_wrong_value_then_runs_and_shows_what_came_out(
    lab: Lab, browser: Browser, pictures: Path
) -> None:
    page = lab.open(browser, "desk.ipynb")
    form = execute(page, 0).locator(".nb-form")
    page.screenshot(path=pictures / "form.png")
    run = form.get_by_role("button", name="Run train")

    month = field(form, "last_month")
    month.locator("input[type=text]").fill("13")
    expect(month.get_by_role("alert")).to_have_text("✕ 13 is not an integer from 1 to 12")
    expect(run).to_be_disabled()
    page.screenshot(path=pictures / "refused.png")

    month.locator("input[type=text]").fill("2")
    expect(month.get_by_role("alert")).to_have_count(0)
    expect(month).to_contain_text("changed")
    field(form, "learner").get_by_role("button", name="ridge").click()
    expect(field(form, "learner")).to_contain_text("changed")
    run.click()
    expect(form.get_by_role("progressbar")).to_be_visible(timeout=PATIENCE_MS)
    page.screenshot(path=pictures / "running.png")

    # The kernel answers while the stage runs.
    expect(execute(page, 1).locator(".jp-OutputArea-output")).to_have_text("42")
    expect(form.locator(".nb-status")).to_have_text("▶ Running")

    expect(form.locator(".nb-status")).to_have_text("✓ Succeeded", timeout=PATIENCE_MS)
    expect(form.locator("th", has_text="validation_mae")).to_be_visible()
    page.screenshot(path=pictures / "succeeded.png")

    form.get_by_role("button", name="Show report").click()
    report = form.frame_locator("iframe.nb-report")
    expect(report.locator("h1")).to_contain_text("train #")
    follow_a_link_within(report)
    form.locator("iframe.nb-report").scroll_into_view_if_needed()
    page.screenshot(path=pictures / "report.png")
    form.get_by_role("button", name="Hide report").click()
    expect(form.locator("iframe.nb-report")).to_have_count(0)

    card = execute(page, 2)
    expect(card.locator(".nb-card")).to_contain_text("Succeeded")
    expect(execute(page, 3)).to_contain_text("up to date")
    card.scroll_into_view_if_needed()
    page.screenshot(path=pictures / "card.png")
    page.close()


def follow_a_link_within(report: FrameLocator) -> None:
    """The table of contents leads to a section of the report, not to JupyterLab's address."""
    link = report.locator("nav a[href^='#']").last
    link.evaluate("link => link.click()")
    expect(report.locator("h1").first).to_contain_text("train #")
