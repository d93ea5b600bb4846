from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from nightbook.cli.parameters import parameter_options
from nightbook.errors import ParameterError
from nightbook.notebooks.parameters import RawString, Text

if TYPE_CHECKING:
    from pathlib import Path


def given(*arguments: str) -> Any:
    found: dict[str, object] = {}

    @click.command()
    @parameter_options
    def command(*, given: dict[str, object]) -> int:
        found.update(given)
        return 0

    result = CliRunner().invoke(command, list(arguments))
    if result.exception:
        raise result.exception
    return found


def test_texts_strings_and_files_come_together_the_command_line_last(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("rate: 0.1\nzip: '007'\nlayers: [1, 2]\n")
    assert given("-f", str(file), "-p", "rate=0.2", "-r", "note=a=b") == {
        "rate": Text(value="0.2"),
        "zip": "007",
        "layers": [1, 2],
        "note": RawString(value="a=b"),
    }


@pytest.mark.parametrize("text", ["rate", "=1"])
def test_a_text_that_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="is no NAME=VALUE"):
        given("-p", text)


@pytest.mark.parametrize("content", ["- 1", "[", "1: 2"])
def test_a_file_that_holds_no_mapping_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "values.yaml").write_text(content)
    with pytest.raises(ParameterError, match=r"values\.yaml"):
        given("-f", str(tmp_path / "values.yaml"))
