"""What is installed, and what is upgraded under warm parents, is what the next kernel finds; who is at work keeps what it had."""

from __future__ import annotations

import json
import os
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import WarmScene

WAIT = "import os, time\nopen('waiting', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.05)"


@pytest.fixture
def site(warm_scene: WarmScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of installed modules of the scene's own."""
    folder = tmp_path_factory.mktemp("environment") / "site-packages"
    folder.mkdir()
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(folder)]))
    warm_scene.environment["PYTHONPATH"] = path
    return folder


def install(site: Path, name: str, version: str, source: str) -> None:
    """Install a module as pip does: the files, and a folder whose name tells the version."""
    for old in site.glob(f"{name}-*.dist-info"):
        (old / "METADATA").unlink()
        old.rmdir()
    (site / f"{name}.py").write_text(source, encoding="utf-8")
    told = site / f"{name}-{version}.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")


@pytest.mark.slow
def test_what_is_upgraded_under_a_warm_parent_is_new_in_the_next_run(warm_scene: WarmScene, site: Path) -> None:
    install(site, "upgraded", "1.0", "VALUE = 'first'\n")
    warm_scene.stage("reads", "import upgraded\nprint(upgraded.VALUE)")
    old = None
    for version, value in (("1.0", "first"), ("22.0", "another"), ("33.0", "the third")):
        install(site, "upgraded", version, f"VALUE = {value!r}\n")
        (record,) = warm_scene.run("--force")
        assert warm_scene.executed(record).cells[1].outputs[0].text == f"{value}\n"
        assert warm_scene.engines(record) == [("fork", "")]
        assert old is None or warm_scene.wait_until(partial(warm_scene.has_ended, old), "the old parent to end")
        old = warm_scene.parent("kernel").pid


def test_a_module_that_starts_a_thread_is_left_to_the_notebook(warm_scene: WarmScene, site: Path) -> None:
    install(
        site,
        "threaded",
        "1.0",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(900,), daemon=True).start()\n",
    )
    install(site, "talkative", "1.0", "print('I am here')\n")
    warm_scene.stage("uses", "import talkative, threaded, threading\nprint(threading.active_count())")
    for _ in range(2):
        (record,) = warm_scene.run("--force")
        assert warm_scene.engines(record) == [("fork", "")]
        assert warm_scene.executed(record).cells[1].outputs[0].text == "I am here\n2\n"
        assert warm_scene.threads(warm_scene.parent("kernel")) == 1
    log = "".join(path.read_text() for path in warm_scene.warm_folder.glob("kernel-*.log"))
    assert "threaded, which changes which threads run while it is imported" in log
    assert warm_scene.survivors() == []


def printed(scene: WarmScene, record: dict[str, Any]) -> str:
    """What the last cell printed."""
    text: str = scene.executed(record).cells[-1].outputs[0].text
    return text


def upgrade_meanwhile(scene: WarmScene, site: Path) -> dict[str, dict[str, Any]]:
    """Run, and upgrade while a cell waits; returns the records."""
    client = scene.start("run", "--json", "--force")
    folder = scene.root / "notebooks"
    scene.wait_until((folder / "waiting").exists, "the cell to start")
    old = [parent.pid for parent in scene.parents()]
    install(site, "upgraded", "22.0", "VALUE = 'another'\n")
    scene.wait_until(partial(scene.has_ended, *old), "the old parents to end")
    (folder / "go").touch()
    output, errors = client.communicate(timeout=scene.patience_seconds)
    assert client.returncode == 0, output + errors
    return {record["stage"]: record for record in json.loads(output)["runs"]}


@pytest.mark.slow
def test_a_run_keeps_what_it_had_when_that_is_upgraded_meanwhile(warm_scene: WarmScene, site: Path) -> None:
    install(site, "upgraded", "1.0", "VALUE = 'first'\n")
    warm_scene.stage("reads", "import upgraded", WAIT, "print(upgraded.VALUE)")
    record = upgrade_meanwhile(warm_scene, site)["reads"]
    assert (record["status"], printed(warm_scene, record)) == ("succeeded", "first\n")
    assert warm_scene.engines(record) == [("fork", "")]

    (record,) = warm_scene.run("--force")
    assert printed(warm_scene, record) == "another\n"
    assert warm_scene.engines(record) == [("fork", "")]
    assert warm_scene.survivors() == []


@pytest.mark.slow
def test_what_is_upgraded_during_a_stage_is_new_in_the_next_one(warm_scene: WarmScene, site: Path) -> None:
    install(site, "upgraded", "1.0", "VALUE = 'first'\n")
    place = 'from nightbook import {0}\nmade: {0} = "../data/made.txt"'
    warm_scene.stage("before", WAIT, "import upgraded\nopen(made, 'w').close()", declares=place.format("Output"))
    warm_scene.stage("after", "import upgraded\nprint(upgraded.VALUE)", declares=place.format("Input"))
    records = upgrade_meanwhile(warm_scene, site)
    assert printed(warm_scene, records["after"]) == "another\n"
    # Where the new parent could not be had yet it says why.
    assert warm_scene.engines(records["after"]) in ([("fork", "")], [("jupyter", "no warm process could be had")])
    assert warm_scene.survivors() == []


@pytest.mark.parametrize("helper", ["", "import yaml\nWHERE = yaml.__file__\n"])
def test_an_own_module_is_not_replaced_by_an_installed_one_that_another_notebook_had_loaded(
    warm_scene: WarmScene, helper: str
) -> None:
    show = "import helper\nprint(helper.WHERE)" if helper else "import yaml\nprint(yaml.__file__)"
    installed = warm_scene.notebook("installed", "import yaml\nprint(yaml.__file__)")
    own = warm_scene.notebook("beside/own", show)
    for name, source in (("yaml", ""), ("helper", helper)):
        (own.parent / f"{name}.py").write_text(source, encoding="utf-8")
    (record,) = warm_scene.run(str(installed))
    assert warm_scene.engines(record) == [("fork", "")]
    (record,) = warm_scene.run(str(own))
    shown = warm_scene.executed(record).cells[0].outputs
    assert shown[0].text == f"{own.parent / 'yaml.py'}\n"
    output, _ = warm_scene.command("runs", "show", "latest")
    assert "jupyter: its own module yaml stands in for an installed one" in output
    (record,) = warm_scene.run(str(own), "--engine", "jupyter")
    assert warm_scene.executed(record).cells[0].outputs == shown
    assert warm_scene.engines(record) == [("jupyter", "asked for with --engine")]


def test_an_own_module_is_not_replaced_by_what_a_library_imports(warm_scene: WarmScene, site: Path) -> None:
    install(site, "leaning", "1.0", "import leant_on\nWHERE = leant_on.__file__\n")
    install(site, "leant_on", "1.0", "")
    _, path = (warm_scene.notebook(f"{one}/reads", "import leaning\nprint(leaning.WHERE)") for one in ("here", "there"))
    own = path.parent / "leant_on.py"
    own.touch()
    (record,) = warm_scene.run("here/reads.ipynb")
    assert warm_scene.engines(record) == [("fork", "")]
    (record,) = warm_scene.run("there/reads.ipynb")
    assert warm_scene.executed(record).cells[0].outputs[0].text == f"{own}\n"
    assert warm_scene.engines(record) == [("jupyter", "its own module leant_on stands in for an installed one")]
    assert not (warm_scene.folder(record) / "refusal.txt").exists()
    own.unlink()
    (record,) = warm_scene.run("there/reads.ipynb", "--force")
    assert warm_scene.engines(record) == [("fork", "")]
    assert warm_scene.survivors() == []
