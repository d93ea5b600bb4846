"""Names that may be declared, and parameters declared in `nightbook.toml` for notebooks that cannot declare them."""

from __future__ import annotations

import ast
import keyword
import unicodedata
from typing import TYPE_CHECKING

from nightbook.errors import ParameterError
from nightbook.notebooks.annotations import parse_annotation, type_of_default
from nightbook.notebooks.binding import MISSING, Parameter, ParameterRole, role_of
from nightbook.notebooks.syntax import Names
from nightbook.notebooks.types import Scalar, ScalarType
from nightbook.notebooks.values import coerce

if TYPE_CHECKING:
    from collections.abc import Mapping

_DECLARATION_KEYS = frozenset({"type", "default", "help"})
_NAMES_IN_LITERALS = frozenset({"float"})


def declared_parameters(
    declarations: Mapping[str, object], *, role: ParameterRole = ParameterRole.VALUE, where: str = "nightbook.toml"
) -> tuple[Parameter, ...]:
    """Parameters from a table of `nightbook.toml`, for notebooks that cannot declare them.

    Args:
        declarations: Name and default value, or a table `{type = "Annotated[int, Range(1, 12)]", default = 6,
            help = "…"}` whose type is written as in a notebook; without `default` the parameter is required.
        role: `INPUT`, `OUTPUT` or `SECRET` for tables whose values are all paths or references.
        where: The table, for messages.

    Raises:
        ParameterError: A name is no identifier, a type is unknown, or a default is not of its type.
    """
    parameters = []
    for name, declaration in declarations.items():
        try:
            check_name(name)
            parameters.append(_declared(name, declaration, role))
        except ParameterError as error:
            message = f"parameter '{name}' in {where}: {error.message}"
            raise ParameterError(message, remedy=error.remedy) from None
    return tuple(parameters)


def check_name(name: str) -> None:
    """Accept only names that are safe to write into a cell as code.

    Raises:
        ParameterError: It is no identifier, is a keyword, or would change the meaning of injected values.
    """
    shown = ascii(name)
    if not name.isidentifier() or keyword.iskeyword(name):
        message = f"{shown} is no name for a parameter: it is no Python identifier"
        raise ParameterError(message, remedy="use letters, digits and underscores, starting with a letter")
    if unicodedata.normalize("NFKC", name) != name:
        message = f"{shown} is no name for a parameter: Python would read it as another name"
        raise ParameterError(message, remedy=f"write '{unicodedata.normalize('NFKC', name)}'")
    if name.startswith("__") or name in _NAMES_IN_LITERALS:
        message = f"{shown} is no name for a parameter: Python uses it itself"
        raise ParameterError(message, remedy="choose another name")


def _declared(name: str, declaration: object, role: ParameterRole) -> Parameter:
    if (
        isinstance(declaration, dict)
        and isinstance(declaration.get("type"), str)
        and declaration.keys() <= _DECLARATION_KEYS
    ):
        kind = parse_annotation(ast.Constant(value=declaration["type"]), Names())
        default = coerce(kind, declaration["default"]) if "default" in declaration else MISSING
        return Parameter(
            name=name,
            type=kind,
            role=role_of(kind),
            default=default,
            default_source=repr(default) if "default" in declaration else "",
            help=str(declaration.get("help", "")),
        )
    if role is not ParameterRole.VALUE:
        kind = ScalarType(scalar=Scalar[role.name])
    else:
        inferred = type_of_default(declaration)
        if inferred is None:
            message = f"a {type(declaration).__name__} is no value for a parameter"
            raise ParameterError(message)
        kind = inferred
    default = coerce(kind, declaration)
    return Parameter(name=name, type=kind, role=role_of(kind), default=default, default_source=repr(declaration))
