"""`-p NAME=VALUE`, `-r NAME=STRING`, `-f FILE`: parameters as they are given to every command that runs something."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nightbook.errors import ParameterError
from nightbook.notebooks.parameters import RawString, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def parameter_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the three options; the command gets `given`, values by name, in the order file, text, string."""

    @click.option(
        "-p",
        "texts",
        metavar="NAME=VALUE",
        multiple=True,
        help="A parameter; STAGE.NAME=VALUE for one stage among several.",
    )
    @click.option(
        "-r",
        "strings",
        metavar="NAME=STRING",
        multiple=True,
        help="A parameter that is a text, whatever it looks like.",
    )
    @click.option(
        "-f",
        "files",
        metavar="FILE",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Parameters from YAML or JSON.",
    )
    @wraps(function)
    def with_parameters(
        *arguments: Any,  # noqa: ANN401 - passed through
        texts: tuple[str, ...],
        strings: tuple[str, ...],
        files: tuple[Path, ...],
        **options: Any,  # noqa: ANN401 - passed through
    ) -> int:
        given: dict[str, object] = {}
        for file in files:
            given.update(_read_file(file))
        given.update({name: Text(value=value) for name, value in map(_split, texts)})
        given.update({name: RawString(value=value) for name, value in map(_split, strings)})
        return function(*arguments, given=given, **options)

    return with_parameters


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ParameterError(f"'{text}' is no NAME=VALUE", remedy=f"-p {name or 'NAME'}=…")
    return name.strip(), value


def _read_file(path: Path) -> Mapping[str, object]:
    import yaml  # noqa: PLC0415 - only a file needs it

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParameterError(
            f"cannot read parameters from {path}: {error}", remedy="a YAML or JSON file of NAME: VALUE"
        ) from None
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise ParameterError(f"{path} holds no mapping of names to values", remedy="learning_rate: 0.1")
    return content
