"""Foreign HTML made harmless: no script, nothing from the network, no reach beyond its own output.

What is removed is named in a notice, so that a report never quietly shows less than the notebook did.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import nh3
from markupsafe import Markup

from nightbook.runs.report.stylesheets import declared_hosts, host_of, safe_declarations, scoped_css

if TYPE_CHECKING:
    from collections.abc import Iterable


def _words(text: str) -> frozenset[str]:
    """A long set of names that stays readable."""
    return frozenset(text.split())


_HTML = _words(
    """a abbr address article aside audio b bdi bdo blockquote br button caption center cite code col colgroup data dd
    del details dfn div dl dt em fieldset figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img input ins kbd
    label legend li main mark meter nav ol optgroup option output p picture pre progress q rp rt ruby s samp section
    select small source span strike strong sub summary sup table tbody td textarea tfoot th thead time tr tt u ul var
    video wbr"""
)
_SVG = _words(
    """svg g path rect circle ellipse line polyline polygon text tspan textPath defs symbol use marker clipPath mask
    pattern linearGradient radialGradient stop title desc filter feGaussianBlur feOffset feMerge feMergeNode feFlood
    feComposite feBlend feColorMatrix"""
)
_MATHML = _words(
    """math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle merror mpadded mphantom msub msup msubsup munder
    mover munderover mmultiscripts mprescripts none mtable mtr mtd menclose semantics annotation"""
)
_ATTRIBUTES = _words(
    """abbr accent accentunder align alt aria-checked aria-controls aria-describedby aria-disabled aria-expanded
    aria-hidden aria-label aria-labelledby aria-level aria-orientation aria-pressed aria-selected aria-valuemax
    aria-valuemin aria-valuenow axis bgcolor border cellpadding cellspacing char charoff checked class clip-path
    clip-rule clipPathUnits cols colspan color columnalign columnlines columnspacing controls cx cy d datetime depth dir
    disabled display displaystyle dominant-baseline dx dy face fence fill fill-opacity fill-rule filter flood-color
    flood-opacity font-family font-size font-style font-weight for frame fr fx fy gradientTransform gradientUnits
    headers height hidden high id in in2 k1 k2 k3 k4 label lang largeop letter-spacing linethickness loop low lspace
    marker-end marker-mid marker-start markerHeight markerUnits markerWidth mask mathbackground mathcolor mathsize
    mathvariant max maxsize min minsize mode movablelimits multiple muted name notation offset opacity open operator
    optimum orient paint-order patternTransform patternUnits placeholder points preserveAspectRatio r readonly refX refY
    result reversed role rowalign rowlines rows rowspacing rowspan rspace rules rx ry scope scriptlevel selected
    separator size span spreadMethod start stdDeviation stop-color stop-opacity stretchy stroke stroke-dasharray
    stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width style summary
    symmetric tabindex target text-anchor textLength title transform type valign value values viewBox voffset width wrap
    x x1 x2 xml:space y y1 y2"""
)
INLINE_SCRIPT = "a script"
_SOURCES = frozenset({"img", "audio", "video", "source"})
_CARRIED = ("data:image/", "data:audio/", "data:video/")
_DROPPED = frozenset({"script", "style", "title", "noscript", "template", "iframe", "object", "embed", "noembed"})
_KINDS = {
    "script": "a script", "iframe": "a frame", "frame": "a frame", "object": "an object", "embed": "an object",
    "link": "a style sheet", "img": "an image", "audio": "a sound", "video": "a video", "source": "media",
    "image": "an image",
}  # fmt: skip
_ADDRESS = {"object": "data", "link": "href", "image": "href", "video": "src"}
_COLOURING = ("background", "color:", "bgcolor", "fill:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """Harmless HTML.

    Attributes:
        html: The fragment, with its own styles scoped to it.
        removed: What was left out, in words that name the host: "an image from example.org".
        has_colours: It sets colours made for a white page, so in the dark it needs a white plate.
    """

    html: Markup
    removed: tuple[str, ...]
    has_colours: bool


def clean_html(source: str, scope: str) -> Cleaned:
    """Sanitise a fragment; `scope` is the class of the element that will hold it."""
    audit = _Audit()
    audit.feed(source)
    audit.close()
    css, hosts = scoped_css("\n".join(audit.styles), f".{scope}")
    removed = (*audit.removed, *(f"a style resource from {host}" for host in hosts))
    body = _cleaner().clean(source)
    style = f"<style>{css}</style>" if css else ""
    return Cleaned(
        html=Markup(style + body),  # noqa: S704 - both parts have just been sanitised
        removed=tuple(dict.fromkeys(removed)),
        has_colours=_has_colours(css, body),
    )


def removal_notice(removed: Iterable[str]) -> Markup:
    """One muted line that names what is missing; empty when nothing is."""
    names = tuple(dict.fromkeys(removed))
    if not names:
        return Markup()
    return Markup('<p class="notice">Left out, because a report runs and loads nothing foreign: {}.</p>').format(
        ", ".join(names)
    )


def _has_colours(css: str, body: str) -> bool:
    if "prefers-color-scheme" in css:
        return False
    return any(sign in css or f'style="{sign}' in body or f" {sign}" in body for sign in _COLOURING)


@cache
def _cleaner() -> nh3.Cleaner:
    attributes: dict[str, set[str]] = {"*": set(_ATTRIBUTES), "a": {"href"}, "use": {"href", "xlink:href"}}
    attributes |= {tag: {"src"} for tag in _SOURCES}
    return nh3.Cleaner(
        tags=set(_HTML | _SVG - {"title"} | _MATHML),
        clean_content_tags=set(_DROPPED),
        attributes=attributes,
        attribute_filter=_filter_attribute,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer",
    )


def _filter_attribute(tag: str, name: str, value: str) -> str | None:
    """Nothing loads, nothing runs, and no id takes the place of the page's own."""
    if name == "style":
        return safe_declarations(value)
    if name == "src":
        return value if value.strip().lower().startswith(_CARRIED) else None
    if name in {"href", "xlink:href"}:
        carries = value.strip().lower().startswith("data:")
        return value if value.startswith("#") or (tag == "a" and not carries) else None
    if name == "id":
        return None if value == "error" or value.startswith("nb-") else value
    if name == "target":
        return "_blank"
    return None if "url(" in value.lower() and "url(#" not in value.lower().replace(" ", "") else value


class _Audit(HTMLParser):
    """Collects style sheets, and what the sanitiser is about to drop; nothing here decides about safety."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.styles: list[str] = []
        self.removed: list[str] = []
        self._inside = ""
        self._is_kept_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._inside = tag
        # pandas writes the same scoped style into every table; our own style sheet dresses tables
        self._is_kept_style = tag == "style" and "scoped" not in given
        if tag in _KINDS:
            self._note(tag, given)
        self.removed += [f"a style resource from {host}" for host in declared_hosts(given.get("style", ""))]

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside, self._is_kept_style = "", False

    def handle_data(self, data: str) -> None:
        if self._is_kept_style:
            self.styles.append(data)

    def _note(self, tag: str, given: dict[str, str]) -> None:
        address = given.get(_ADDRESS.get(tag, "src"), "") or given.get("xlink:href", "")
        host = host_of(address) if address else ""
        if host:
            self.removed.append(f"{_KINDS[tag]} from {host}")
        elif tag == "script" and given.get("type", "").split("/")[-1] not in {"json", "template"}:
            self.removed.append(INLINE_SCRIPT)
        elif tag in {"iframe", "object", "embed"}:
            self.removed.append(_KINDS[tag])
