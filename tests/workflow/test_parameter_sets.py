from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import ParameterError
from nightbook.notebooks.parameters import Text
from nightbook.workflow.parameter_sets import parse_grid, product_of, read_list, set_digest, set_name

if TYPE_CHECKING:
    from pathlib import Path


def texts(*values: str) -> list[object]:
    return [Text(value=value) for value in values]


def test_a_grid_keeps_its_values_as_they_were_typed() -> None:
    assert parse_grid(["zip=007,1e3", 'place="Paris, France",Rome']) == {
        "zip": texts("007", "1e3"),
        "place": texts("Paris, France", "Rome"),
    }


@pytest.mark.parametrize("text", ["rate", "=1,2", "rate="])
def test_a_text_that_is_no_grid_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="is no NAME=A,B,C"):
        parse_grid([text])


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(ParameterError, match="names 'rate' twice"):
        parse_grid(["rate=1", "rate=2"])


def test_the_product_holds_every_combination_the_last_name_varying_fastest() -> None:
    assert product_of({"a": [1, 2], "b": ["x", "y"]}) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]


def test_a_grid_that_nobody_could_mean_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(ParameterError, match="1,000,000,000 sets"):
        product_of({name: range(1000) for name in "abc"})


def test_csv_yaml_and_json_lines_hold_the_same_sets(tmp_path: Path) -> None:
    (tmp_path / "sets.csv").write_text("rate,depth\n0.1,2\n0.3,\n")
    (tmp_path / "sets.yaml").write_text("- {rate: 0.1, depth: 2}\n- {rate: 0.3}\n")
    (tmp_path / "sets.jsonl").write_text('{"rate": 0.1, "depth": 2}\n\n{"rate": 0.3}\n')

    assert read_list(tmp_path / "sets.csv") == [
        {"rate": Text(value="0.1"), "depth": Text(value="2")},
        {"rate": Text(value="0.3")},
    ]
    assert (
        read_list(tmp_path / "sets.yaml")
        == read_list(tmp_path / "sets.jsonl")
        == [
            {"rate": 0.1, "depth": 2},
            {"rate": 0.3},
        ]
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "rate,depth\n1\n", "line 2 of .* has 1 fields, not 2"),
        ("a.csv", "rate\n", "holds no parameter set"),
        ("a.csv", "rate,rate\n1,2\n", "gives a name twice"),
        ("a.csv", 'rate\n"1\n', "line 2 of .* is no CSV"),
        ("a.yaml", "rate: 1", "holds no list of parameter sets"),
        ("a.yaml", "- [", "is no YAML"),
        ("a.jsonl", '{"rate": 1}\n{rate}\n', "line 2 of .* is no JSON"),
        ("a.txt", "rate", "is no list of parameter sets"),
    ],
)
def test_a_file_that_holds_no_sets_is_refused_with_its_line(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ParameterError, match=message):
        read_list(tmp_path / name)


def test_a_set_is_named_by_what_was_typed_and_its_digest_by_what_it_means() -> None:
    assert set_name({"rate": Text(value="0.10"), "depth": 2, "learner": "ridge"}) == "rate=0.10 depth=2 learner=ridge"
    assert set_digest({"a": 1, "b": 2}) == set_digest({"b": 2, "a": 1})
    assert set_digest({"a": 1}) != set_digest({"a": 2})


@pytest.mark.parametrize("value", ["a\nb", "a\r\nb", "  lead and trail  ", "a\u2028b", 'say "hi", twice'])
@pytest.mark.parametrize("name", ["sets.csv", "sets.jsonl"])
def test_any_text_comes_out_of_a_list_as_it_went_in(tmp_path: Path, name: str, value: str) -> None:
    with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
        if name.endswith(".csv"):
            csv.writer(file).writerows([["who"], [value]])
        else:
            file.write(json.dumps({"who": value}, ensure_ascii=False) + "\n")
    (found,) = read_list(tmp_path / name)
    assert getattr(found["who"], "value", found["who"]) == value
