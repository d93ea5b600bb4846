"""A sweep that executes what its sets share once shows what one shows that does not."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from nightbook.runs.warm.places import warm_folder

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Scene

CELLS = [
    "import random\nimport numpy as np\nimport nightbook",
    "random.seed(1)\nnp.random.seed(2)\nprint('prepared', len([]))",
    "drawn = [random.random(), float(np.random.rand())]\nnightbook.log_metric('drawn', drawn[0])",
    "import sys\nprint('to the log', file=sys.stderr)\ntable = {'a': [1, 2]}\ntable",
    "print(alpha, drawn, random.random(), float(np.random.rand()), beta)\nbeta.append(alpha)",
    "import asyncio\nawait asyncio.sleep(0)\nnightbook.log_metric('result', alpha * drawn[0])\nIn[2], beta",
]
DECLARES = "alpha: float = 1.0\nbeta: list[float] = [0.5]"


def sweep(scene: Scene, *arguments: str) -> list[dict[str, Any]]:
    output, _ = scene.command("sweep", "shares", "--grid", "alpha=1,2.5,4", "--force", "--json", *arguments)
    records: list[dict[str, Any]] = json.loads(output)["runs"]
    return sorted(records, key=lambda record: float(record["parameters"]["alpha"]))


def shown(scene: Scene, record: dict[str, Any]) -> list[tuple[int | None, str]]:
    """What each cell shows, and its number."""
    cells = [cell for cell in scene.executed(record).cells if cell.cell_type == "code"]
    # When a metric was logged is when its cell ran.
    return [(cell.execution_count, re.sub(r"'at': '[^']*'", "", str(cell.outputs))) for cell in cells]


def test_shared_or_not_a_sweep_shows_the_same(scene: Scene) -> None:
    scene.stage("shares", *CELLS, declares=DECLARES)
    shared, unshared = sweep(scene), sweep(scene, "--no-share")
    assert [record["status"] for record in (*shared, *unshared)] == ["succeeded"] * 6
    assert [[cell["shared"] for cell in record["cells"]] for record in shared] == [[True] * 5 + [False] * 2] * 3
    assert [[cell["shared"] for cell in record["cells"]] for record in unshared] == [[False] * 7] * 3
    for one, other in zip(shared, unshared, strict=True):
        assert shown(scene, one) == shown(scene, other)
        assert one["metrics"] == other["metrics"]
        assert all(cell["duration_seconds"] is not None for cell in one["cells"])
    assert scene.survivors() == []
    (word,) = (scene.root / ".nightbook" / "runs").glob("*/shared/shares/trunk.json")
    assert not (warm_folder(os.environ) / f"{json.loads(word.read_text())['key']}.sock").exists()


def test_what_cannot_be_forked_is_not_shared_and_the_sweep_is_none_the_worse(scene: Scene) -> None:
    # Reading does not show that the library keeps a file open for writing; looking does.
    keeps = "import logging\nlogging.basicConfig(filename='kept.log', force=True)\nlogging.warning('once')"
    scene.stage("shares", keeps, "alpha", declares=DECLARES)
    records = sweep(scene)
    assert [record["status"] for record in records] == ["succeeded"] * 3
    assert not any(cell["shared"] for record in records for cell in record["cells"])
    (word,) = (scene.root / ".nightbook" / "runs").glob("*/shared/shares/trunk.json")
    assert "is open for writing" in json.loads(word.read_text())["reason"]
    assert scene.survivors() == []


def test_a_shared_cell_that_fails_fails_in_each_run_with_its_own_words(scene: Scene) -> None:
    scene.stage("shares", "1 / 0", "alpha", declares=DECLARES)
    output, _ = scene.command("sweep", "shares", "--grid", "alpha=1,2", "--json", expect=1)
    records = json.loads(output)["runs"]
    assert [record["message"] for record in records] == ["ZeroDivisionError: division by zero (in cell 1)"] * 2
    assert scene.survivors() == []


def test_each_set_reads_on_in_a_file_from_where_the_shared_cells_left_it(scene: Scene) -> None:
    opens = "open('lines.txt', 'w').write('first\\nsecond\\nthird\\n'); file = open('lines.txt', 'rb', buffering=0)\nprint(file.readline())"
    scene.stage("shares", opens, "print(alpha, file.readline(), file.tell())", declares=DECLARES)
    records = sweep(scene)
    assert [[cell["shared"] for cell in record["cells"]] for record in records] == [[True, True, False]] * 3
    printed = [scene.executed(record).cells[-1].outputs[0].text for record in records]
    assert printed == [f"{alpha} b'second\\n' 13\n" for alpha in (1.0, 2.5, 4.0)]
