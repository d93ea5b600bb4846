from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from nightbook.records import Cause, CellStatus, RunStatus
from nightbook.runs.report import CodeVisibility, render
from nightbook.runs.report.render import content_policy, render_report
from nightbook.template_files import templates_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from playwright.sync_api import Page

    from nightbook.records import Run
    from nightbook.runs.report import ReportContext

ERROR = {
    "output_type": "error", "ename": "ValueError", "evalue": "no such month",
    "traceback": ["-", "-", "Cell In[3], line 2\n----> 2 load(13)", "File lib.py:9, in load(month)\n----> 9 raise", "ValueError: no such month"],
}  # fmt: skip


@pytest.fixture
def failed_page(
    make_context: Callable[..., ReportContext], make_run: Callable[..., Run], make_notebook: Callable[..., dict[str, Any]],
    markdown_cell: Callable[..., dict[str, Any]], code_cell: Callable[..., dict[str, Any]],
) -> str:  # fmt: skip
    wide = (
        "<table><thead><tr>"
        + "".join(f"<th>column {i}</th>" for i in range(40))
        + "</tr></thead><tbody><tr>"
        + "<td>12345.678</td>" * 40
        + "</tr></tbody></table>"
    )
    notebook = make_notebook(
        markdown_cell(
            "# Delays of flights\n\nSome prose with $x^2$ and a [link](https://example.org).\n\n$$\\sum_{i=1}^{n} x_i$$\n\n## Data"
        ),
        code_cell("month = 6", index=1, tags=["parameters"]),
        code_cell(
            "show(wide)",
            [{"output_type": "display_data", "data": {"text/html": wide}}],
            index=2,
            duration=3.0,
            is_shared=True,
        ),
        code_cell("print()", [{"output_type": "stream", "name": "stdout", "text": "unbroken" * 200 + "\n"}], index=3),
        markdown_cell("## Model"),
        code_cell("month = 13\nload(month)  # " + "long " * 80, [ERROR], index=5, status=CellStatus.FAILED),
        markdown_cell("## Later"),
        *(
            code_cell(f"later_{index} = 1", index=index, status=CellStatus.NOT_RUN, duration=None)
            for index in range(7, 19)
        ),
    )
    run = make_run(status=RunStatus.FAILED, cause=Cause.CELL_ERROR, message="ValueError: no such month " + "x" * 200)
    return render_report(notebook, make_context(run=run))


def test_a_failed_run_leads_with_its_error_and_links_to_the_cell(failed_page: str) -> None:
    assert "Cell 5 failed at line 2." in failed_page
    assert 'href="#error"' in failed_page
    assert failed_page.count('id="error"') == 1
    assert "12 cells not run" in failed_page
    assert failed_page.index('<details class="not-run">') > failed_page.index('id="error"')
    assert "train #418 failed · Nightbook" in failed_page


def test_a_cell_that_was_taken_over_is_marked_beside_its_duration(failed_page: str) -> None:
    marked = '1 line · 3.0 s · <span title="executed once, for several runs">shared</span></span>'
    assert failed_page.count(">shared</span>") == failed_page.count(marked) == 1


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (Cause.KERNEL_DIED, "The kernel died in cell 4."),
        (Cause.OUT_OF_MEMORY, "The kernel ran out of memory in cell 4."),
        (Cause.TIMEOUT, "A time limit was reached in cell 4."),
    ],
)
def test_a_cell_that_left_no_error_output_is_still_the_failing_cell(
    make_context: Callable[..., ReportContext], make_run: Callable[..., Run], make_notebook: Callable[..., dict[str, Any]],
    code_cell: Callable[..., dict[str, Any]], cause: Cause, sentence: str,
) -> None:  # fmt: skip
    run = make_run(status=RunStatus.FAILED, cause=cause, message="the kernel was killed by signal 9")
    html = render_report(make_notebook(code_cell("x", index=4, status=CellStatus.FAILED)), make_context(run=run))
    assert sentence in html
    assert 'id="error"' in html
    assert html.count("the kernel was killed by signal 9") == 2


def test_a_run_that_ended_early_shows_its_reason(
    make_context: Callable[..., ReportContext], make_run: Callable[..., Run], make_notebook: Callable[..., dict[str, Any]],
) -> None:  # fmt: skip
    html = render_report(make_notebook(), make_context(run=make_run(message="no data today")))
    assert "no data today" in html
    assert "Succeeded" in html
    assert "There is nothing of the notebook to show." in html


@pytest.mark.parametrize("status", list(RunStatus))
def test_every_status_has_a_page(
    make_context: Callable[..., ReportContext], make_run: Callable[..., Run], make_notebook: Callable[..., dict[str, Any]], status: RunStatus,
) -> None:  # fmt: skip
    run = make_run(
        status=status,
        stage=None,
        notebook=None,
        ended_at=None,
        duration_seconds=None,
        git_commit=None,
        metrics={},
        inputs=(),
        outputs=(),
        fingerprint="",
    )
    html = render_report(make_notebook(), make_context(run=run, points=(), parameters=()))
    assert 'class="pill' in html


def test_without_code_the_source_is_not_in_the_file_and_the_page_says_so(
    make_context: Callable[..., ReportContext], make_notebook: Callable[..., dict[str, Any]], code_cell: Callable[..., dict[str, Any]],
) -> None:  # fmt: skip
    notebook = make_notebook(code_cell("canary_source = 1"), code_cell("canary_later = 2", status=CellStatus.NOT_RUN))
    assert "canary" in render_report(notebook, make_context())
    html = render_report(notebook, make_context(), code=CodeVisibility.ABSENT)
    assert "canary" not in html
    assert "Made without its source code." in html


def test_without_code_a_failure_quotes_none_of_it(
    make_context: Callable[..., ReportContext], make_run: Callable[..., Run], execute: Callable[..., dict[str, Any]],
) -> None:  # fmt: skip
    notebook = execute(
        "import warnings, traceback\ndef canary_function(canary_argument):\n    raise ValueError('bad' + ' luck')",
        "warnings.warn('care' + 'ful')  # canary_warning",
        "try:\n    canary_function(1)\nexcept ValueError:\n    traceback.print_exc()",
        "%%bash\n# canary_script\nexit 3",
        "canary_function(2)  # canary_failure",
        "canary_syntax = = 1",
    )
    script = next(
        one["evalue"]
        for cell in notebook["cells"]
        for one in cell["outputs"]
        if one.get("ename") == "CalledProcessError"
    )
    run = make_run(status=RunStatus.FAILED, cause=Cause.CELL_ERROR, message=f"CalledProcessError: {script} (in cell 3)")
    folded = render_report(notebook, make_context(run=run))
    html = render_report(notebook, make_context(run=run), code=CodeVisibility.ABSENT)
    assert "canary_script" in folded.split('id="nb-notebook"')[0]
    lines = [line for line in html.splitlines() if "canary" in line]
    # Python itself names the function in a traceback that the notebook printed; that is output
    assert [line for line in lines if not line.endswith(("in canary_function", "in canary_function</pre>"))] == []
    for kept in ("careful", "bad luck", "returned non-zero exit status 3", "SyntaxError", "Failed here"):
        assert kept in html


def test_the_header_tells_what_the_run_was_made_of(
    make_context: Callable[..., ReportContext], make_notebook: Callable[..., dict[str, Any]]
) -> None:
    html = render_report(make_notebook(), make_context())
    for fact in (
        "23 Nov 2026 02:14 UTC",
        "7 m 11 s",
        "a3f9c21",
        "clean",
        "data/raw/flights.parquet",
        "sha256:" + "ab12" * 16,
        "3.11.2",
        "1 of 3",
        "007",
        "1,204,118",
        "4.5 MB",
    ):
        assert fact in html
    assert "<b>max_depth</b>" in html
    assert "<b>learning_rate</b>" not in html


def test_hostile_text_in_the_header_is_escaped(
    make_context: Callable[..., ReportContext],
    make_run: Callable[..., Run],
    make_notebook: Callable[..., dict[str, Any]],
) -> None:
    evil = "</style></title><script>alert(1)</script>"
    run = make_run(stage=evil, message=evil, notebook=evil, fingerprint=evil, run_id=evil, status=RunStatus.FAILED)
    html = render_report(
        make_notebook(metadata={"language_info": {"name": evil}}),
        make_context(run=run, project=evil, environment={evil: evil}),
    )
    assert "<script>alert" not in html


def test_a_contents_list_needs_three_headings(
    make_context: Callable[..., ReportContext],
    make_notebook: Callable[..., dict[str, Any]],
    markdown_cell: Callable[..., dict[str, Any]],
) -> None:
    assert 'class="toc"' in render_report(make_notebook(markdown_cell("# A\n\n## B\n\n### C")), make_context())
    assert 'class="toc"' not in render_report(make_notebook(markdown_cell("# A\n\n## B")), make_context())


def test_the_base_style_and_script_stay_below_forty_kilobytes() -> None:
    folder = templates_folder("report")
    assert sum((folder / name).stat().st_size for name in ("style.css", "script.js")) <= 40_000


def test_a_typical_report_stays_below_two_megabytes(
    rich_notebook: dict[str, Any], make_context: Callable[..., ReportContext]
) -> None:
    plain = {
        **rich_notebook,
        "cells": [cell for cell in rich_notebook["cells"] if "plotly" not in "".join(cell["source"])],
    }
    assert len(render_report(plain, make_context())) < 2_000_000


def test_the_policy_lets_nothing_in_but_the_pages_own_script(failed_page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', failed_page)
    assert policy is not None
    text = policy[1].replace("&#39;", "'")
    assert text.startswith("default-src 'none'; script-src 'unsafe-inline' blob:")
    scripts = re.findall(r"<script>(.*?)</script>", failed_page, re.DOTALL)
    assert [content_policy(script) for script in scripts] == [text]


def test_a_page_over_the_cap_is_rendered_smaller_and_says_so(
    make_context: Callable[..., ReportContext], make_notebook: Callable[..., dict[str, Any]], code_cell: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(render, "CAP_BYTES", 200_000)
    rows = "<table>" + "<tr><td>1</td></tr>" * 150 + "</table>"
    cells = [
        code_cell("x", [{"output_type": "display_data", "data": {"text/html": "<p>" + "x" * 250_000 + "</p>"}}]),
        code_cell("y", [{"output_type": "display_data", "data": {"text/html": rows}}]),
    ]
    html = render_report(make_notebook(*cells), make_context())
    assert len(html) < 200_000
    assert "This page would have been larger than 25 MB" in html
    assert "An output of 250 kB is left out" in html


def test_a_large_page_warns(
    make_context: Callable[..., ReportContext],
    make_notebook: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(render, "WARNING_BYTES", 1000)
    assert "large outputs make it slow to open" in render_report(make_notebook(), make_context())


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_charts_widgets_and_formulas_of_a_real_notebook_work_without_a_network(
    rich_notebook: dict[str, Any], make_context: Callable[..., ReportContext], open_html: Callable[..., AbstractContextManager[Any]], width: int, scheme: str,
) -> None:  # fmt: skip
    html = render_report(rich_notebook, make_context())
    with open_html(html, width=width, scheme=scheme) as opened:
        page: Page = opened.page
        expect(page.locator(".chart-js[data-drawn]")).to_have_count(3, timeout=60_000)
        assert (
            page.eval_on_selector_all(".chart-js", "places => places.map((place) => place.dataset.drawn)")
            == ["yes"] * 3
        )
        page.wait_for_selector("[data-chart=plotly] .scatterlayer .point >> nth=0", state="attached")
        assert page.locator("[data-chart=plotly] .scatterlayer .point").count() == 2000
        expect(page.locator("[data-chart=bokeh] .slick-cell", has_text="alpha")).to_be_visible()
        assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
        assert page.evaluate("document.fonts.ready.then(() => [...document.fonts].map((font) => font.status))") == [
            "loaded"
        ]
        assert opened.overflow() == 0
        assert opened.violations() == []
        assert opened.requests == []
        assert opened.problems == []


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), list(product([1280, 390], ["light", "dark"])))
def test_the_page_has_no_accessibility_violation(
    failed_page: str, open_html: Callable[..., AbstractContextManager[Any]], width: int, scheme: str
) -> None:
    with open_html(failed_page, width=width, scheme=scheme) as opened:
        opened.page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        assert opened.violations() == []
        assert opened.problems == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 360, 390, 600, 799, 800, 1024, 1099, 1100, 1280, 1440, 1920])
def test_nothing_is_wider_than_the_window(
    failed_page: str, open_html: Callable[..., AbstractContextManager[Any]], width: int
) -> None:
    with open_html(failed_page, width=width) as opened:
        assert opened.overflow() == 0
        opened.page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        assert opened.overflow() == 0
        assert opened.requests == []


@pytest.mark.browser
def test_one_switch_opens_all_code_and_each_cell_folds_alone(
    failed_page: str, open_html: Callable[..., AbstractContextManager[Any]]
) -> None:
    with open_html(failed_page) as opened:
        page: Page = opened.page
        code = page.locator("details.code >> nth=0").locator("pre")
        assert not code.is_visible()
        page.check("#nb-all-code")
        assert code.is_visible()
        page.locator("details.code >> nth=0").locator("summary").click()
        assert not code.is_visible()


@pytest.mark.browser
def test_the_banner_leads_to_the_failing_cell(
    failed_page: str, open_html: Callable[..., AbstractContextManager[Any]]
) -> None:
    with open_html(failed_page) as opened:
        opened.page.click("text=Go to the failing cell")
        assert opened.page.evaluate("document.getElementById('error').getBoundingClientRect().top") < 900
        assert opened.page.locator("#error .error-message").is_visible()


@pytest.mark.browser
def test_without_scripts_everything_can_be_read(
    failed_page: str, open_html: Callable[..., AbstractContextManager[Any]]
) -> None:
    with open_html(failed_page, scripts=False) as opened:
        page: Page = opened.page
        assert page.locator("details.code >> nth=0").locator("pre").is_hidden()
        page.locator("details.code >> nth=0").locator("summary").click()
        assert page.locator("details.code >> nth=0").locator("pre").is_visible()
        assert page.locator("details.code >> nth=1").locator("pre").is_hidden()
        page.check("#nb-all-code")
        assert page.locator("details.code >> nth=1").locator("pre").is_visible()


@pytest.mark.browser
def test_on_paper_it_is_light_and_has_no_controls(
    failed_page: str, open_html: Callable[..., AbstractContextManager[Any]]
) -> None:
    with open_html(failed_page, scheme="dark") as opened:
        opened.page.emulate_media(media="print")
        assert (
            opened.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
        )
        assert not opened.page.locator(".switch").is_visible()
        assert len(opened.page.pdf(format="A4")) > 10_000


@pytest.mark.browser
def test_a_script_smuggled_into_an_output_would_not_run(
    failed_page: str, open_html: Callable[..., AbstractContextManager[Any]]
) -> None:
    smuggled = failed_page.replace(
        "</main>", "<script>window.smuggled = 1</script><img src=x onerror='window.smuggled = 1'></main>"
    )
    with open_html(smuggled) as opened:
        opened.page.wait_for_timeout(200)
        assert opened.page.evaluate("window.smuggled") is None
