from __future__ import annotations

import subprocess
import sys

HEAVY = ("nbconvert", "mistune", "jinja2", "bs4", "nh3", "fontTools", "PIL", "nbformat")


def test_importing_the_package_costs_nothing_until_a_page_is_rendered() -> None:
    code = f"import sys, nightbook.runs.report; print([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_the_renderers_are_found_by_name() -> None:
    code = "from nightbook.runs.report import render_comparison, render_report; print(render_report.__name__)"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "render_report"
