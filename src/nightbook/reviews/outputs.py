"""Outputs against outputs: paired, and each pair compared by what it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup

from nightbook.reviews.alignment import align
from nightbook.reviews.documents import DocumentDiff, diff_documents
from nightbook.reviews.images import ImageDiff, diff_images
from nightbook.reviews.noise import Noise
from nightbook.reviews.shown import HTML
from nightbook.reviews.tables import TableDiff, diff_tables
from nightbook.reviews.texts import TextDiff, diff_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nightbook.reviews.rules import DiffRules
    from nightbook.reviews.shown import Shown

Detail = TextDiff | TableDiff | ImageDiff | DocumentDiff
_RASTER = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


class OutputState(StrEnum):
    """What became of an output."""

    UNCHANGED = "unchanged"
    NOISE = "unchanged but for noise"
    CLOSE = "within tolerance"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    NOT_COMPARED = "not compared"
    """The two differ and are too large to say how without being asked."""

    @property
    def is_change(self) -> bool:
        """It counts as a difference."""
        return self not in {OutputState.UNCHANGED, OutputState.NOISE, OutputState.CLOSE}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputDiff:
    """An output and its counterpart.

    Attributes:
        state: What became of it.
        before: In the first run; None for an added one.
        after: In the second run; None for a removed one.
        mime: The format in which they were compared; empty where they were not.
        detail: How they differ; None where only digests and sizes can be told.
        noise: What was hidden.
    """

    state: OutputState
    before: Shown | None = None
    after: Shown | None = None
    mime: str = ""
    detail: Detail | None = None
    noise: Mapping[Noise, int] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What it is, as in `stdout` or `image/png`."""
        shown = self.after or self.before
        return shown.kind if shown else ""

    @property
    def places(self) -> tuple[tuple[str, Shown], ...]:
        """The sides that there are, with their names."""
        sides = ("before", self.before), ("after", self.after)
        return tuple((name, shown) for name, shown in sides if shown is not None)

    def to_json(self) -> dict[str, object]:
        """What differs, with sizes and digests instead of contents."""
        return {
            "state": self.state.value,
            "kind": self.kind,
            "mime": self.mime,
            **{
                name: {"kind": shown.kind, "size_bytes": shown.size_bytes, "digest": shown.digest}
                for name, shown in self.places
            },
            "detail": self.detail.to_json() if self.detail else None,
            "noise": {kind.value: count for kind, count in self.noise.items()},
        }


def diff_outputs(before: Sequence[Shown], after: Sequence[Shown], rules: DiffRules) -> tuple[OutputDiff, ...]:
    """Pair the outputs of a cell and compare each pair; in the order of the second run."""
    return tuple(_diffs(before, after, rules))


def _diffs(before: Sequence[Shown], after: Sequence[Shown], rules: DiffRules) -> Iterator[OutputDiff]:
    # What is the same holds the others in their places; between them the kind says what belongs together.
    for same in align([one.digest for one in before], [one.digest for one in after]):
        old = before[same.before.start : same.before.stop]
        new = after[same.after.start : same.after.stop]
        if same.is_equal:
            yield from (_unchanged(one, other) for one, other in zip(old, new, strict=True))
            continue
        for block in align([one.kind for one in old], [one.kind for one in new]):
            left, right = old[block.before.start : block.before.stop], new[block.after.start : block.after.stop]
            if block.is_equal:
                yield from (diff_pair(one, other, rules) for one, other in zip(left, right, strict=True))
            else:
                yield from (OutputDiff(state=OutputState.REMOVED, before=one) for one in left)
                yield from (OutputDiff(state=OutputState.ADDED, after=one) for one in right)


def _unchanged(before: Shown, after: Shown) -> OutputDiff:
    return OutputDiff(state=OutputState.UNCHANGED, before=before, after=after)


def diff_pair(before: Shown, after: Shown, rules: DiffRules) -> OutputDiff:
    """Compare two outputs of one kind, format by format: the richest that differs is what is told."""
    if before.digest == after.digest:
        return _unchanged(before, after)
    if rules.is_too_large(max(before.size_bytes, after.size_bytes)):
        return OutputDiff(state=OutputState.NOT_COMPARED, before=before, after=after)
    noise: Counter[Noise] = Counter()
    close: OutputDiff | None = None
    for mime in dict.fromkeys([*before.formats, *after.formats]):
        one, other = before.formats.get(mime), after.formats.get(mime)
        if one == other:
            continue
        detail = _detail(mime, one, other, rules)
        if detail is None or detail.is_changed:
            found = {} if detail is None or isinstance(detail, ImageDiff) else detail.noise
            return OutputDiff(
                state=OutputState.CHANGED, before=before, after=after, mime=mime, detail=detail, noise=found
            )
        noise |= Counter({Noise.ENCODING: 1}) if isinstance(detail, ImageDiff) else detail.noise
        if not isinstance(detail, ImageDiff) and detail.close:
            close = OutputDiff(state=OutputState.CLOSE, before=before, after=after, mime=mime, detail=detail)
    if close:
        return OutputDiff(
            state=close.state, before=before, after=after, mime=close.mime, detail=close.detail, noise=noise
        )
    return OutputDiff(state=OutputState.NOISE, before=before, after=after, noise=noise)


def _detail(mime: str, before: object, after: object, rules: DiffRules) -> Detail | None:
    """How two contents of one format differ; None where only their bytes can be compared."""
    if before is None or after is None:
        return None
    if not isinstance(before, str) or not isinstance(after, str):
        return diff_documents(before, after, rules)
    if mime in _RASTER:
        found = diff_images(before, after)
        # Other bytes of the same pixels are noise, which may be asked for.
        return None if found is not None and not found.is_changed and rules.shows_noise else found
    if mime == HTML:
        return _html_detail(before, after, rules)
    is_text = mime.startswith("text/") or mime.endswith(("+xml", "+json", "/javascript", "/json"))
    return diff_texts(before, after, rules) if is_text else None


def _html_detail(before: str, after: str, rules: DiffRules) -> Detail:
    """A table by its values, other HTML by what one reads; where both say the same, by its markup."""
    table = diff_tables(before, after, rules)
    if table is not None and (table.is_changed or table.close or table.noise):
        return table
    if table is None:
        read = diff_texts(_visible(before), _visible(after), rules)
        if read.is_changed:
            return read
    return diff_texts(before, after, rules)


def _visible(html: str) -> str:
    if "<" not in html:
        return html
    soup = BeautifulSoup(html, "html.parser")
    for hidden in soup.find_all(["style", "script"]):
        hidden.extract()
    return soup.get_text("\n", strip=True)
