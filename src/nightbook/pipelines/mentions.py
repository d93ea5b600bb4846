"""Whether code can reach a varied parameter: by its name, in a text, or by looking into the notebook's namespace."""

from __future__ import annotations

import ast
import re
import unicodedata
from typing import TYPE_CHECKING

from nightbook.pipelines.uses import BUILTIN, heads, uses_in, words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from nightbook.pipelines.uses import Origins, Use

# Of these neither is a name of the notebook: what follows a point, the name of an argument, and a text.
_FOREIGN_FIELDS = {
    (ast.Attribute, "attr"),
    (ast.keyword, "arg"),
    (ast.MatchClass, "kwd_attrs"),
    (ast.Constant, "value"),
    (ast.Constant, "kind"),
}
_WORD = re.compile(r"\w+")
_MAIN = re.compile(r"\b__main__\b")
_NAMESPACE_WORDS = words(
    "get_ipython user_ns user_global_ns user_module InteractiveShell _getframe _current_frames currentframe "
    "getouterframes getinnerframes f_globals f_locals f_back tb_frame gi_frame cr_frame ag_frame get_referrers "
    "get_objects"
)
_NAMESPACE_BUILTINS = words(
    "globals locals vars dir exec eval compile __import__ breakpoint __builtins__ __loader__ __spec__"
)
_NAMESPACE_ATTRIBUTES = frozenset({"__globals__", "__builtins__", "globals", "locals", "exec", "__import__"})
_INSPECTING = frozenset({"inspect.stack", "inspect.trace", "inspect.getmodule"})
_RUNNING_CODE = words(
    "sys.modules runpy importlib.util importlib.machinery code codeop doctest unittest.main dill pdb IPython.embed"
)
_BY_NUMBER = re.compile(r"In|Out|_[io]h|_i+|_i?\d+")
# They take the names in a text from the frame of their caller.
_EVALUATING_METHODS = frozenset({"query", "eval", "evaluate"})
_EVALUATING = frozenset({"numexpr", "duckdb", "patsy", "formulaic", "statsmodels.formula"})


def varied_mention(tree: ast.AST, varied: Collection[str]) -> str:
    """How code mentions a varied parameter, at any depth, as a reason; empty when it does not.

    A name that a function has of its own counts too. What does not: attributes, names of arguments, docstrings, and
    texts in brackets (`flights["month"]`), which are keys.
    """
    wanted = frozenset(varied)
    read, bound = set[str](), set[str]()
    for node in ast.walk(tree):
        is_read = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        (read if is_read else bound).update(wanted.intersection(_identifiers(node)))
    if read:
        return f"uses {_vary(read)}"
    if bound:
        return f"assigns {_vary(bound)}"
    return word_mention(_texts(tree), wanted)


def word_mention(texts: Iterable[str], varied: Collection[str]) -> str:
    """How texts mention a varied parameter as a word, as a reason; empty when they do not."""
    spoken = {word for text in texts for word in _WORD.findall(unicodedata.normalize("NFKC", text))}
    found = spoken.intersection(varied)
    return f"has a text with the word {_vary(found)}" if found else ""


def reflection(tree: ast.AST, origins: Origins) -> str:
    """How a cell may reach names that it does not mention, as a reason; empty when it cannot."""
    looked = namespace_reading(tree)
    if looked:
        return looked
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(one.name == "*" for one in node.names):
            return f"imports * from {node.module or '.'}: which names it gives is known only when it runs"
        if isinstance(node, ast.Name) and node.id in _NAMESPACE_BUILTINS:
            return f"uses {node.id}, which can reach every name"
        if isinstance(node, ast.Name) and _BY_NUMBER.fullmatch(node.id):
            return f"uses {node.id}, by which IPython numbers what was executed"
        if isinstance(node, ast.Attribute) and node.attr in _NAMESPACE_ATTRIBUTES:
            return f"uses {node.attr}, which can reach every name"
    reasons = (_reflective_use(use, origins) for use in uses_in(tree, origins))
    return next(filter(None, reasons), "")


def namespace_reading(tree: ast.AST) -> str:
    """How code of any module may read the notebook's names, as a reason; empty when it cannot."""
    idioms = {id(part) for node in ast.walk(tree) if is_main_idiom(node) for part in ast.walk(node)}
    texts = {id(node) for node in _docstrings(tree)}
    for node in ast.walk(tree):
        if id(node) in idioms or id(node) in texts:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _MAIN.search(node.value):
            return "names __main__, where the notebook's names are"
        for name in (*_identifiers(node), *([node.attr] if isinstance(node, ast.Attribute) else [])):
            if name == "__main__":
                return "uses __main__, where the notebook's names are"
            if name in _NAMESPACE_WORDS:
                return f"uses {name}, which can reach the notebook's names"
        if _is_stack(node):
            return "uses inspect.stack, which can reach the notebook's names"
    return ""


def _reflective_use(use: Use, origins: Origins) -> str:
    head = next((head for head in heads(use.path) if head in _RUNNING_CODE), "")
    if head:
        return f"uses {head}, which can reach any module"
    if use.path in _INSPECTING or use.path.removeprefix(f"{BUILTIN}.") in _NAMESPACE_BUILTINS:
        return f"uses {use.path}, which can reach every name"
    arguments = [*use.call.args, *(keyword.value for keyword in use.call.keywords)] if use.call is not None else []
    first = arguments[0] if arguments else None
    if use.method == "import_module" or use.path == "importlib.import_module":
        return "" if _is_text(first) else "imports a module whose name is known only when it runs"
    if use.path == f"{BUILTIN}.getattr" and any(map(origins.paths, arguments[:1])):
        return "takes from a module what is known only when it runs"
    is_evaluating = use.method in _EVALUATING_METHODS or any(head in _EVALUATING for head in heads(use.path))
    if is_evaluating and use.call is not None and first is not None and not _is_text(first):
        return f"gives {use.path or f'.{use.method}'} a text known only when it runs, which may name any parameter"
    return ""


def _is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant)


def _is_stack(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="inspect"), attr="stack" | "trace"):
            return True
        case ast.ImportFrom(module="inspect", names=names):
            return any(one.name in {"stack", "trace"} for one in names)
        case _:
            return False


def is_main_idiom(node: ast.AST) -> bool:
    """Whether it is `__name__ == "__main__"`, which no imported module is."""
    match node:
        case ast.Compare(left=ast.Name(id="__name__"), comparators=[ast.Constant(value="__main__")]):
            return True
        case _:
            return False


def _identifiers(node: ast.AST) -> Iterator[str]:
    """The names in one node itself, as the notebook would know them; of a dotted import each part."""
    if isinstance(node, ast.alias):
        yield from node.name.split(".")
        yield from [node.asname] if node.asname else []
        return
    if isinstance(node, ast.ImportFrom):
        yield from (node.module or "").split(".")
        return
    for field, value in ast.iter_fields(node):
        if (type(node), field) not in _FOREIGN_FIELDS:
            yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))


def _texts(tree: ast.AST) -> Iterator[str]:
    # One that stands alone in the cell itself is what the cell shows, and what the next one may find in `_`.
    shown = {id(one.value) for one in getattr(tree, "body", ()) if isinstance(one, ast.Expr)}
    unread = {id(node) for node in _docstrings(tree)} - shown | {id(node) for node in _keys(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in unread:
            yield node.value


def _docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    """Texts that stand alone: nothing is done with them."""
    return (
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _keys(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            yield node.slice
            yield from node.slice.elts if isinstance(node.slice, ast.Tuple | ast.List) else []


def _vary(names: Collection[str]) -> str:
    return f"{' and '.join(sorted(names))}, which {'varies' if len(names) == 1 else 'vary'}"
