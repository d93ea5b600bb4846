"""Whatever a notebook shows, the executed notebook holds it bounded, in order, in good time."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.end_to_end.conftest import Scene

MANY = {
    "many-prints": "for number in range(100_000): print(number)",
    "flushed-prints": "for number in range(20_000): print(number, flush=True)",
    "one-print": "print('x' * 100_000_000)",
    "progress": (
        "import sys\n"
        "print('y' * 3_000_000)\n"
        "for number in range(20_000): sys.stderr.write(f'\\r{number:6d} of 20000 |####|'); sys.stderr.flush()\n"
        "print('\\ndone')"
    ),
    "many-displays": "from IPython.display import display\nfor number in range(5_000): display(number)",
    "long-error": "raise ValueError('e' * 30_000_000)",
}
LIVELY = [
    """\
from IPython.display import clear_output, display, update_display
display("first", display_id="status"); print("between"); display("last")""",
    """\
for number in range(300):
    clear_output(wait=True)
    display("frame" + "." * 100_000)
print("after the film")""",
    """\
update_display("changed by a later cell", display_id="status")""",
    """\
import ipywidgets
out = ipywidgets.Output()
display(out, ipywidgets.IntSlider(7))
with out:
    for number in range(3_000): print(number, flush=True)
    display("inside")
print("outside")""",
    """\
print(out.outputs[0]["text"].count("\\n"), out.outputs[1]["data"]["text/plain"])""",
    """\
display("x" * 20_000_000)
print("the rest goes on")""",
]


def texts(cell: Any) -> list[str]:
    """What each output of a cell says."""
    return [one.get("text") or one.get("evalue") or one["data"]["text/plain"] for one in cell.outputs]


def test_floods_end_in_one_bounded_stream_with_a_visible_mark(scene: Scene) -> None:
    for name, source in MANY.items():
        scene.stage(name, source, "'next'")
    records = {record["stage"]: record for record in scene.run(expect=1)}
    cells = {name: scene.executed(record).cells for name, record in records.items()}
    sizes = {name: (scene.folder(record) / "executed.ipynb").stat().st_size for name, record in records.items()}
    assert max(sizes.values()) < 11_000_000
    assert {name: records[name]["status"] for name in MANY} == dict.fromkeys(MANY, "succeeded") | {
        "long-error": "failed"
    }

    assert texts(cells["many-prints"][1]) == ["".join(f"{number}\n" for number in range(100_000))]
    assert texts(cells["flushed-prints"][1]) == ["".join(f"{number}\n" for number in range(20_000))]
    (text,) = texts(cells["one-print"][1])
    assert text.startswith("xxx")
    assert "characters of output dropped here" in text
    assert {"y" * 3_000_000 + "\n\ndone\n", " 19999 of 20000 |####|"} == set(texts(cells["progress"][1]))
    shown = texts(cells["many-displays"][1])
    assert (len(shown), shown[0], shown[-1][:11]) == (2_001, "0", "[nightbook:")
    assert "characters dropped" in texts(cells["long-error"][1])[0]
    assert len(records["long-error"]["message"]) < 1_000
    assert texts(cells["one-print"][2]) == ["'next'"]
    # What the events hold on the way stays in proportion too.
    assert max((scene.folder(record) / "events.jsonl").stat().st_size for record in records.values()) < 60_000_000


def test_what_is_cleared_updated_and_shown_in_widgets_is_as_in_a_browser(scene: Scene) -> None:
    scene.notebook("lively", *LIVELY)
    (record,) = scene.run("lively.ipynb")
    notebook = scene.executed(record)
    cells = notebook.cells
    assert texts(cells[0]) == ["'changed by a later cell'", "between\n", "'last'"]
    # Each frame counts until it is cleared.
    assert texts(cells[1])[0].startswith("'frame...")
    assert texts(cells[1])[1:] == ["after the film\n"]
    assert texts(cells[3])[-1] == "outside\n"
    assert texts(cells[4]) == ["3000 'inside'\n"]
    assert texts(cells[5])[0] == "the rest goes on\n"
    assert "more outputs dropped" in texts(cells[5])[1]
    widgets = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    by_name = {widget["model_name"]: widget["state"] for widget in widgets}
    assert by_name["IntSliderModel"]["value"] == 7
    assert [one["output_type"] for one in by_name["OutputModel"]["outputs"]] == ["stream", "display_data"]


def is_over_or_waits(root: Path) -> bool:
    """Whether the kernel is done, or has been waiting for a second now."""
    at = root / "at"
    return (root / "over").exists() or (at.exists() and time.time() - at.stat().st_mtime > 1)


def test_what_a_kernel_shows_while_nobody_listens_is_not_lost(scene: Scene) -> None:
    scene.configure("output_limit_bytes = 50_000_000\n")
    scene.notebook(
        "talk",
        "from pathlib import Path\n"
        "Path('begun').touch()\n"
        "while not Path('go').exists(): pass\n"
        "for number in range(1_900): display(f'{number} ' + 'x' * 16_000); Path('at').write_text(str(number))\n"
        "Path('over').touch()",
    )
    process = scene.start("run", "talk.ipynb")
    scene.wait_until((scene.root / "begun").exists, "the notebook")
    (runner,) = scene.processes("runner")
    runner.suspend()
    (scene.root / "go").touch()
    scene.wait_until(lambda: is_over_or_waits(scene.root), "all that the kernel has to say, or can")
    runner.resume()
    output, errors = process.communicate(timeout=scene.patience_seconds)
    assert process.returncode == 0, output + errors
    shown = texts(scene.executed(scene.contact()["talk"]).cells[0])
    assert [text[1:-1].split()[0] for text in shown] == [str(number) for number in range(1_900)]


def test_a_notebook_in_another_language_runs_with_its_parameters(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory
) -> None:
    install_bash_kernel(tmp_path_factory.mktemp("jupyter"), scene)
    scene.notebook(
        "greet", "who=nobody", 'echo "hello $who, $count times"', "false", tags={0: "parameters"}, kernel="bash"
    )
    scene.configure('[stages.greet]\nnotebook = "greet.ipynb"\nparameters = { who = "it\'s you & me", count = 2 }\n')
    (record,) = scene.run("greet", "-p", "count=3", "-p", "who=it's you & me", expect=1)
    cells = scene.executed(record).cells
    assert [cell.metadata["nightbook"]["index"] for cell in cells] == [0, None, 1, 2]
    assert texts(cells[2]) == ["hello it's you & me, 3 times\n"]
    assert record["parameters"] == {"who": "it's you & me", "count": 3}
    assert (record["status"], record["cause"]) == ("failed", "cell_error")


def install_bash_kernel(folder: Path, scene: Scene) -> None:
    spec = {"argv": [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"], "display_name": "Bash", "language": "bash"}  # fmt: skip
    (folder / "kernels" / "bash").mkdir(parents=True)
    (folder / "kernels" / "bash" / "kernel.json").write_text(json.dumps(spec))
    scene.environment["JUPYTER_PATH"] = str(folder)
