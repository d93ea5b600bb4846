"""Foreign CSS made harmless: it reaches only its own output and loads nothing from anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import tinycss2  # type: ignore[import-untyped]  # it has no types

if TYPE_CHECKING:
    from collections.abc import Iterable

_FETCHING = frozenset({"url", "src", "image", "image-set", "-webkit-image-set", "cross-fade", "element"})
_GROUPS = frozenset({"media", "supports", "container", "layer"})
_PAGE = frozenset({":root", "html", "body", ":host"})


def scoped_css(source: str, scope: str) -> tuple[str, tuple[str, ...]]:
    """Rewrite a style sheet so that every selector stands below `scope`.

    Returns:
        The CSS, safe inside a style element, and the hosts it wanted to load from.
    """
    hosts: list[str] = []
    rules = tinycss2.parse_stylesheet(source, skip_comments=True, skip_whitespace=True)
    text = "".join(_rule(rule, scope, hosts) for rule in rules)
    return text.replace("</", r"<\/"), tuple(dict.fromkeys(hosts))


def safe_declarations(source: str) -> str:
    """A style attribute without what would load a resource."""
    if not any(sign in source.lower() for sign in ("url", "image", "src", "element", "\\", "cross-fade")):
        return source
    kept = tinycss2.parse_blocks_contents(source, skip_comments=True, skip_whitespace=True)
    return "".join(_declaration(one, []) for one in kept if one.type == "declaration")


def declared_hosts(source: str) -> tuple[str, ...]:
    """Hosts that a style attribute would load from."""
    if "url" not in source.lower():
        return ()
    hosts: list[str] = []
    for one in tinycss2.parse_blocks_contents(source, skip_comments=True, skip_whitespace=True):
        if one.type == "declaration":
            _declaration(one, hosts)
    return tuple(hosts)


def host_of(address: str) -> str:
    """The host a URL names, `this machine` for a file, empty for data that the URL itself carries."""
    parts = urlsplit(address.strip())
    if parts.scheme in {"data", "blob", "about"} or address.strip().startswith("#"):
        return ""
    return parts.hostname or "this machine"


def _rule(rule: Any, scope: str, hosts: list[str]) -> str:  # noqa: ANN401 - tinycss2 has no types
    if rule.type == "qualified-rule":
        selectors = _selectors(rule.prelude, scope)
        return f"{selectors}{{{_block(rule.content, hosts)}}}" if selectors else ""
    if rule.type != "at-rule":
        return ""
    if rule.lower_at_keyword == "import":
        hosts.extend(host for host in _addresses(rule.prelude) if host)
    if rule.content is None:
        return ""
    prelude = tinycss2.serialize(rule.prelude)
    if rule.lower_at_keyword in _GROUPS:
        inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
        return f"@{rule.lower_at_keyword}{prelude}{{{''.join(_rule(one, scope, hosts) for one in inner)}}}"
    if rule.lower_at_keyword.endswith("keyframes"):
        body = tinycss2.serialize(rule.content)
        return "" if any(_addresses(rule.content)) else f"@{rule.lower_at_keyword}{prelude}{{{body}}}"
    return ""


def _selectors(prelude: Iterable[Any], scope: str) -> str:
    """Each selector of the list below the scope; `:root`, `html` and `body` are the scope itself."""
    parts: list[list[Any]] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    names = [tinycss2.serialize(part).strip() for part in parts]
    if any("&" in name for name in names):
        return ""
    return ",".join(scope if name in _PAGE else f"{scope} {name}" for name in names if name)


def _block(content: Iterable[Any], hosts: list[str]) -> str:
    """Declarations only: a nested rule could leave the scope."""
    parsed = tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)
    return "".join(_declaration(one, hosts) for one in parsed if one.type == "declaration")


def _declaration(declaration: Any, hosts: list[str]) -> str:  # noqa: ANN401 - tinycss2 has no types
    wanted = [host for host in _addresses(declaration.value) if host]
    hosts.extend(wanted)
    return "" if wanted else f"{declaration.serialize()};"


def _addresses(tokens: Iterable[Any]) -> list[str]:
    """Hosts of every URL in these tokens, also inside functions and blocks."""
    found: list[str] = []
    for token in tokens:
        if token.type == "url":
            found.append(host_of(token.value))
        elif token.type == "function":
            if token.lower_name in _FETCHING:
                found.extend(host_of(one.value) for one in token.arguments if one.type == "string")
            found.extend(_addresses(token.arguments))
        elif token.type == "string" and token.value.startswith(("http:", "https:", "//")):
            found.append(host_of(token.value))
        elif hasattr(token, "content") and token.type.endswith("block"):
            found.extend(_addresses(token.content))
    return found
