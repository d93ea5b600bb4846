"""Parameters as declared, and the values bound to them before a kernel starts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

from nightbook.errors import ParameterError, nearest
from nightbook.notebooks.json_values import to_json
from nightbook.notebooks.literals import python_literal
from nightbook.notebooks.types import ANY, Choice, ParameterType, Scalar, ScalarType, describe, scalars
from nightbook.notebooks.values import coerce, parse_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class ParameterRole(StrEnum):
    """What a parameter stands for."""

    VALUE = "value"
    INPUT = "input"
    OUTPUT = "output"
    SECRET = "secret"  # noqa: S105 - the name of a role


class Absent(Enum):
    """Why a parameter has no default value that could be shown."""

    MISSING = "required"
    OPAQUE = "computed when the notebook runs"


MISSING = Absent.MISSING
OPAQUE = Absent.OPAQUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One declared name.

    Attributes:
        name: An identifier that is no keyword.
        type: What values it takes.
        role: What it stands for.
        default: Its value when none is given; `MISSING` when one must be given; `OPAQUE` when the cell computes it
            from something other than parameters, such as the environment.
        default_source: The default as the cell writes it.
        help: The comment behind it.
    """

    name: str
    type: ParameterType
    role: ParameterRole = ParameterRole.VALUE
    default: object = MISSING
    default_source: str = ""
    help: str = ""

    @property
    def required(self) -> bool:
        """A value must be given."""
        return self.default is MISSING

    @property
    def has_known_default(self) -> bool:
        """The default could be read without running the notebook."""
        return not isinstance(self.default, Absent)

    def to_json(self) -> dict[str, object]:
        """What `nightbook params --json` prints of it."""
        record: dict[str, object] = {
            "name": self.name,
            "type": describe(self.type),
            "role": self.role.value,
            "required": self.required,
            "default": to_json(self.type, self.default) if self.has_known_default else None,
            "default_source": self.default_source,
            "help": self.help,
        }
        if isinstance(self.type, Choice):
            record["choices"] = list(self.type.values)
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A value typed on a command line; the declared type says how to read it."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawString:
    """A value that is a text whatever it looks like (`-r`)."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Checked values.

    Attributes:
        values: Every declared name whose value is known, defaults included, in the order of declaration.
        given: Only what was passed: what is injected into the notebook.
        parameters: The declarations.
    """

    values: Mapping[str, object] = field(default_factory=dict)
    given: Mapping[str, object] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()

    def json_values(self) -> dict[str, object]:
        """`values` as strict JSON, for records; `from_json` with each parameter's type reads it back."""
        kinds = {one.name: one.type for one in self.parameters}
        return {name: to_json(kinds.get(name, ANY), value) for name, value in self.values.items()}

    @property
    def secrets(self) -> tuple[str, ...]:
        """The references of all secrets, in lists and dicts too."""
        named = [self.values.get(one.name) for one in self.parameters if one.role is ParameterRole.SECRET]
        return tuple(dict.fromkeys(text for value in named for text in _texts(value)))


def role_of(kind: ParameterType) -> ParameterRole:
    """The role that a type says: `list[Input]` is an input."""
    parts = scalars(kind)
    if Scalar.SECRET in parts:
        return ParameterRole.SECRET
    if Scalar.INPUT in parts:
        return ParameterRole.INPUT
    return ParameterRole.OUTPUT if Scalar.OUTPUT in parts else ParameterRole.VALUE


def bind(parameters: Sequence[Parameter], given: Mapping[str, object], *, where: str) -> Binding:
    """Check the given values against the declarations, before anything starts.

    Args:
        parameters: What is declared.
        given: Python values, or `Text` and `RawString` from a command line.
        where: What declares them, for messages: `stage 'train'`.

    Raises:
        ParameterError: All that is wrong at once: unknown names, wrong types, values out of range, missing values.
    """
    declared = {one.name: one for one in parameters}
    problems: list[ParameterError] = []
    checked: dict[str, object] = {}
    for name, value in given.items():
        try:
            checked[name] = _check(declared, name, value)
        except ParameterError as error:
            problems.append(error)
    missing = [one.name for one in parameters if one.required and one.name not in given]
    problems += [_missing(declared[name]) for name in missing]
    if problems:
        raise _together(problems, where)
    defaults = {one.name: one.default for one in parameters if one.has_known_default or one.name in checked}
    return Binding(values={**defaults, **checked}, given=checked, parameters=tuple(parameters))


def _check(declared: Mapping[str, Parameter], name: str, value: object) -> object:
    parameter = declared.get(name)
    if parameter is None:
        # Letters that only look like others would make the remedy say the name itself.
        shown = repr(name) if name.isascii() else ascii(name)
        message = f"unknown parameter {shown}"
        remedy = nearest(name, declared) if declared else "it declares none: tag a cell 'parameters'"
        raise ParameterError(message, remedy=remedy)
    try:
        if isinstance(value, Text):
            result = parse_text(parameter.type, value.value)
        else:
            result = coerce(parameter.type, value.value if isinstance(value, RawString) else value)
        python_literal(result)  # what cannot be written into the notebook is refused now
    except ParameterError as error:
        message = f"parameter '{name}': {error.message}"
        raise ParameterError(message, remedy=error.remedy.replace("NAME", name, 1) or _hint(parameter, value)) from None
    return result


def _hint(parameter: Parameter, value: object) -> str:
    """A way out where the type itself names none: the declaration may be what is wrong, or how the value is written."""
    if isinstance(value, Text) and value.value != value.value.strip():
        return f"leave the blanks out: {value.value.strip()}"
    if parameter.type == ScalarType(scalar=Scalar.INT) and _is_number(value) and parameter.has_known_default:
        return f"or declare it as a number: {parameter.name}: float = {parameter.default_source}"
    if parameter.type == ScalarType(scalar=Scalar.STR) and not isinstance(value, Text):
        return f'quote it: {parameter.name}: "{value}"'
    if parameter.has_known_default:
        return f"a value such as its default: {parameter.default_source}"
    return "`nightbook params` shows what it takes"


def _is_number(value: object) -> bool:
    if isinstance(value, Text):
        with suppress(ValueError):
            float(value.value)
            return True
    return isinstance(value, float)


def _missing(parameter: Parameter) -> ParameterError:
    message = f"parameter '{parameter.name}' ({describe(parameter.type)}) has no default and was not given"
    return ParameterError(message, remedy=f"-p {parameter.name}=…")


def _together(problems: Sequence[ParameterError], where: str) -> ParameterError:
    if len(problems) == 1:
        return ParameterError(f"{problems[0].message} in {where}", remedy=problems[0].remedy)
    lines = [f"  {one.message}" + (f" ({one.remedy})" if one.remedy else "") for one in problems]
    message = "\n".join([f"{len(problems)} parameters are wrong in {where}:", *lines])
    return ParameterError(message, remedy="`nightbook params` shows what each takes")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
