from __future__ import annotations

import re

import pytest

from nightbook.cards import Card, Fact, render_card, status_badge

HOSTILE = "<script>alert(1)</script>\"'&"
FAILED = Card(
    title=HOSTILE,
    status="failed",
    facts=(HOSTILE,),
    message=HOSTILE,
    table=(Fact(name=HOSTILE, text=HOSTILE, full=HOSTILE),),
    folded={HOSTILE: (Fact(name="a", text=HOSTILE),)},
    footer=HOSTILE,
)


def test_whatever_a_card_is_told_stays_text() -> None:
    shown = render_card(FAILED)
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") >= 8


def test_a_card_runs_and_loads_nothing() -> None:
    assert not re.search(r"<script|https?:|url\(|@import| on\w+=", render_card(Card(title="a", status="succeeded")))


def test_a_card_leaves_out_what_there_is_nothing_to_say_of() -> None:
    shown = render_card(Card(title="train #1", status="running", folded={"0 parameters": ()}))
    assert "<table" not in shown
    assert "<details" not in shown


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled", "lost", "running", "pending", "skipped"])
def test_a_status_is_an_icon_a_word_and_a_colour(status: str) -> None:
    shown = status_badge(status)
    assert status.capitalize() in shown
    assert 'aria-hidden="true"' in shown
    assert re.search(r"nb-(good|bad|busy|none)", shown)


def test_only_what_failed_is_filled_solid() -> None:
    assert "nb-bad" in status_badge("lost")
    assert "nb-bad" not in status_badge("skipped")


def test_a_card_follows_the_theme_of_jupyterlab_and_of_the_browser() -> None:
    shown = render_card(FAILED)
    for rule in ("prefers-color-scheme:dark", "[data-jp-theme-light=false]", "[data-jp-theme-light=true]"):
        assert rule in shown
