from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.runs.redaction import REDACTED, Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "c4nary'&\"<Zürich>/+ key"
LONG = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0"

FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "repr": repr,
    "json": json.dumps,
    "json with its own letters": lambda secret: json.dumps(secret, ensure_ascii=False),
    "html": html.escape,
    "html of pandas": lambda secret: html.escape(secret, quote=False),
    "url": lambda secret: quote(secret, safe=""),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 behind one letter": lambda secret: base64.b64encode(f"u{secret}@".encode()).decode(),
    "base64 behind two letters": lambda secret: base64.b64encode(f"u:{secret}@host".encode()).decode(),
    "base64 for urls": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "hex": lambda secret: secret.encode().hex(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_taken_out_in_every_form_in_which_programs_show_it(form: Callable[[str], str]) -> None:
    text = Redactor([CANARY]).text(f"before {form(CANARY)} behind")
    assert REDACTED in text
    # What base64 mixes of the secret with its neighbours is a letter or two.
    assert len(text) < len("before  behind") + len(REDACTED) + 16


def test_a_secret_that_contains_another_leaves_nothing() -> None:
    assert Redactor(["token", "token-of-the-year"]).text("token-of-the-year, token") == f"{REDACTED}, {REDACTED}"


def test_each_line_of_a_key_file_is_secret() -> None:
    redacted = Redactor(["BEGIN KEY\nabcdef\nghijkl\n"]).text("line 2 is abcdef")
    assert redacted == f"line 2 is {REDACTED}"


def test_what_a_table_cuts_off_of_a_long_secret_is_taken_out() -> None:
    cut = LONG[:46] + "..."
    assert Redactor([LONG]).text(f"0  {cut}") == f"0  {REDACTED}..."


def test_json_is_redacted_in_keys_and_values_at_any_depth() -> None:
    value = {"a": ["x s3cret", 1, None], "s3cret": {"b": "s3cret"}}
    assert Redactor(["s3cret"]).json(value) == {"a": [f"x {REDACTED}", 1, None], REDACTED: {"b": REDACTED}}


def test_without_secrets_nothing_changes() -> None:
    assert Redactor([]).text("as it was") == "as it was"
    assert Redactor([]).stream().feed("at once") == "at once"


@given(
    secret=st.text(min_size=4, max_size=30).filter(lambda text: len(text.strip()) > 3),
    before=st.text(max_size=20),
    behind=st.text(max_size=20),
    cuts=st.lists(st.integers(0, 80), max_size=8),
)
def test_a_secret_that_comes_in_pieces_never_comes_out(secret: str, before: str, behind: str, cuts: list[int]) -> None:
    stream = Redactor([secret]).stream()
    text = before + secret + behind
    shown = ""
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(text)], strict=True):
        shown += stream.feed(text[start:end])
        assert secret not in shown
    assert secret not in shown + stream.rest


def test_only_what_may_begin_a_secret_is_held_back() -> None:
    stream = Redactor(["s3cret"]).stream()
    assert stream.feed("all is well, s") == "all is well, "
    assert stream.feed("o far s3") == "so far "
    assert stream.rest == "s3"
    assert stream.feed("cre") == ""
    assert stream.rest == REDACTED
    assert stream.feed("t.") == f"{REDACTED}."
    assert stream.rest == ""
