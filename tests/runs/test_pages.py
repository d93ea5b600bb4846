from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from nightbook.runs.pages import Pages
from nightbook.runs.request import REPORT
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nightbook.runs.ledger import Ledger


# The publisher itself forks before it has threads; pytest has some.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture
def pages(project_copy: Path) -> Iterator[Pages]:
    pages = Pages(load_settings(project_copy, environment={}))
    yield pages
    end(pages)


def end(pages: Pages) -> None:
    if pages.writer_pid is not None:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(pages.writer_pid).kill()
            psutil.Process(pages.writer_pid).wait()


@pytest.fixture
def ledger(project_copy: Path) -> Iterator[Ledger]:
    with open_ledger(load_settings(project_copy, environment={})) as ledger:
        yield ledger


@pytest.fixture
def report(project_copy: Path, ledger: Ledger) -> Path:
    """A report that is gone."""
    path = project_copy / ".nightbook" / "runs" / ledger.find("fit@latest").run_id / REPORT
    path.unlink()
    return path


def test_a_page_is_there_when_it_was_waited_for(pages: Pages, ledger: Ledger, report: Path) -> None:
    pages.ensure(report.parent.name, ledger)
    assert "fit" in report.read_text(encoding="utf-8")
    if pages.writer_pid is not None:
        assert psutil.Process(pages.writer_pid).status() != psutil.STATUS_ZOMBIE


def test_a_page_is_written_while_nobody_waits_for_it(pages: Pages, ledger: Ledger, report: Path) -> None:
    if pages.writer_pid is None:
        return
    pages.begin(report.parent.name)
    # One that is there already: who asks for it waits for all that was asked before.
    pages.ensure(ledger.find("make@latest").run_id, ledger)
    assert report.exists()


def test_a_page_is_written_also_when_its_writer_was_killed(pages: Pages, ledger: Ledger, report: Path) -> None:
    end(pages)
    pages.begin(report.parent.name)
    pages.ensure(report.parent.name, ledger)
    assert report.exists()
