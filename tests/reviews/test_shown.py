from __future__ import annotations

from nightbook.reviews.shown import read_outputs


def stream(text: object, name: str = "stdout") -> dict[str, object]:
    return {"output_type": "stream", "name": name, "text": text}


def display(**formats: object) -> dict[str, object]:
    return {"output_type": "display_data", "data": {mime.replace("_", "/"): one for mime, one in formats.items()}}


def test_what_was_printed_in_pieces_is_one_output() -> None:
    shown = read_outputs([stream("a\n"), stream(["b\n", "c"]), stream("!", "stderr"), stream("d")])
    assert [(one.kind, one.formats["text/plain"]) for one in shown] == [
        ("stdout", "a\nb\nc"),
        ("stderr", "!"),
        ("stdout", "d"),
    ]


def test_a_bundle_is_what_its_richest_format_is() -> None:
    (shown,) = read_outputs([display(text_plain="<Figure>", image_png="aGk=", text_html="<p>")])
    assert shown.kind == "image/png"
    assert list(shown.formats) == ["image/png", "text/html", "text/plain"]
    (other,) = read_outputs([{"output_type": "execute_result", "data": {}}])
    assert (other.kind, other.size_bytes) == ("execute_result", 0)


def test_the_digest_is_of_what_is_shown() -> None:
    (one,) = read_outputs([display(text_plain=["a", "b"]) | {"execution_count": 1, "metadata": {"x": 1}}])
    (same,) = read_outputs([display(text_plain="ab") | {"execution_count": 2}])
    (other,) = read_outputs([display(text_plain="ac")])
    assert one.digest == same.digest != other.digest
    assert one.digest.startswith("sha256:")
    (json_a,), (json_b,) = (
        read_outputs([display(application_json=one)]) for one in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )
    assert json_a.digest == json_b.digest


def test_an_error_has_a_name_and_a_message() -> None:
    (shown,) = read_outputs(
        [{"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["line 1", "ValueError: no"]}]
    )
    assert (shown.kind, shown.error, shown.formats["text/plain"]) == (
        "error",
        "ValueError: no",
        "line 1\nValueError: no",
    )


def test_half_a_character_is_no_obstacle() -> None:
    (shown,) = read_outputs([stream("\ud800")])
    assert shown.size_bytes == 3
