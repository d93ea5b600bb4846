"""The notebooks that are measured, and what an executed one shows."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import nbformat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NIGHTBOOK_TYPE = "application/vnd.nightbook.v1+json"
INJECTED = "injected-parameters"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
SECONDS_AFTER_PREFIX = 0.2
_CALIBRATION_TURNS = 300_000

# A fifth of a second of its own work: the model. Its imports take eight times as long.
SMALL = (
    "depth: int = 2\nrate: float = 0.1",
    (
        "import pandas as pd\n"
        "from sklearn.datasets import load_breast_cancer\n"
        "from sklearn.ensemble import GradientBoostingClassifier\n"
        "from sklearn.metrics import roc_auc_score\n"
        "from sklearn.model_selection import train_test_split"
    ),
    (
        "sample = load_breast_cancer(as_frame=True).frame\n"
        "train, test = train_test_split(sample, test_size=0.3, random_state=7, stratify=sample['target'])\n"
        "sample.groupby('target').agg('mean').T.head(3)"
    ),
    (
        "model = GradientBoostingClassifier(n_estimators=40, max_depth=depth, learning_rate=rate, random_state=7)\n"
        "model = model.fit(train.drop(columns='target'), train['target'])"
    ),
    (
        "chances = model.predict_proba(test.drop(columns='target'))[:, 1]\n"
        "print(f'depth {depth}, rate {rate}: {roc_auc_score(test[\"target\"], chances):.6f}')"
    ),
    (
        "weights = pd.Series(model.feature_importances_, train.columns[:-1], name='importance')\n"
        "weights.sort_values(ascending=False).head(5).round(4).to_frame()"
    ),
)
TRIVIAL = ("total = sum(range(10))\nprint(total)",)
NUMBERED = ("number: int = 0", "print(number * 2)")
MANY = tuple(f"total = sum(range({number}))\nprint(total)" for number in range(100))
WORK = "import hashlib\n\ndef work(seed, turns):\n    for _ in range(turns):\n        seed = hashlib.sha256(seed).digest()\n    return seed"  # noqa: E501 - a cell
HOLDING = (
    'hold: str = ""\nnumber: int = 0\n' + SMALL[0],
    *SMALL[1:],
    (
        "import time\nfrom pathlib import Path\n"
        "Path(hold, f'ready-{number}').touch()\n"
        "while not Path(hold, 'release').exists():\n    time.sleep(0.05)"
    ),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell that was executed.

    Attributes:
        source: Its text; empty for the cell of injected parameters, which each program writes in its own way.
        outputs: Kind, text and data of each output; streams that follow each other are one.
    """

    source: str
    outputs: tuple[tuple[str, str, str], ...]


def write_notebook(path: Path, sources: Sequence[str], *, has_parameters: bool) -> Path:
    """Write a notebook of code cells, of which the first may declare its parameters."""
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)]
    if has_parameters:
        cells[0].metadata["tags"] = ["parameters"]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = KERNEL
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def prefixed(prefix_seconds: float) -> tuple[str, ...]:
    """Cells of a notebook that computes for so long before its parameter is used, and a fifth of a second after."""
    per_second = turns_per_second()
    before, after = int(prefix_seconds * per_second), int(SECONDS_AFTER_PREFIX * per_second)
    return (
        "number: int = 0",
        WORK,
        f"common = work(b'common', {before})\nprint(common.hex())",
        f"print(work(common + bytes([number]), {after}).hex())",
    )


def turns_per_second() -> float:
    """How fast this machine does the prefix's work, by the processor's time."""
    started, seed = time.process_time(), b""
    for _ in range(_CALIBRATION_TURNS):
        seed = hashlib.sha256(seed).digest()
    return _CALIBRATION_TURNS / (time.process_time() - started)


def shown(path: Path) -> list[Shown]:
    """What each code cell shows, without what the clock decides."""
    found = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        outputs = [
            (output.output_type, output.get("text", ""), _data_of(output.get("data", {}))) for output in cell.outputs
        ]
        is_injected = INJECTED in cell.metadata.get("tags", ())
        found.append(Shown("" if is_injected else cell.source, tuple(merged(outputs))))
    return found


def _data_of(data: dict[str, object]) -> str:
    return json.dumps({kind: value for kind, value in data.items() if kind != NIGHTBOOK_TYPE}, sort_keys=True)


def merged(outputs: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Streams that follow each other are one: where they are cut is chance."""
    found: list[tuple[str, str, str]] = []
    for kind, text, data in outputs:
        if found and kind == "stream" and found[-1][0] == "stream":
            found[-1] = (kind, found[-1][1] + text, data)
        else:
            found.append((kind, text, data))
    return found


def first_difference(ours: Sequence[Shown], theirs: Sequence[Shown]) -> str:
    """Where two executed notebooks differ first, in words; empty where they do not."""
    if len(ours) != len(theirs):
        return f"{len(ours)} cells against {len(theirs)}"
    for index, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        if our != their:
            return f"cell {index}: {our} against {their}"
    return ""


def require_equal(ours: Path, theirs: Path, what: str) -> None:
    """Nobody is compared with somebody who did something else.

    Raises:
        RuntimeError: A cell shows something else.
    """
    difference = first_difference(shown(ours), shown(theirs))
    if difference:
        message = f"{what} gave other outputs under the peer: {difference[:2000]}"
        raise RuntimeError(message)
