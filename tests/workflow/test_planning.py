from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import SecretError
from nightbook.pipelines.plan import Verdict
from nightbook.settings import load_settings
from nightbook.workflow.planning import check_secrets, plan
from nightbook.workflow.requests import RunRequest
from nightbook.workflow.targets import select

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_plan_says_what_would_run(finished_project: Path) -> None:
    request = RunRequest(settings=load_settings(finished_project, environment={}))
    verdicts = {one.stage: one.verdict for one in plan(request).decisions}
    assert verdicts == {"make": Verdict.UP_TO_DATE, "fit": Verdict.RUN, "check": Verdict.RUN}
    forced = plan(replace(request, targets=("make",), is_forced=True))
    assert forced["make"].verdict is Verdict.RUN


def test_a_plan_loads_no_library_that_it_does_not_need(finished_project: Path) -> None:
    code = (
        "import sys, pathlib; from nightbook.settings import load_settings; from nightbook.workflow.planning import plan;"
        "from nightbook.workflow.requests import RunRequest;"
        "plan(RunRequest(settings=load_settings(pathlib.Path.cwd(), environment={})));"
        "print([name for name in ('sqlalchemy', 'mlflow', 'papermill', 'nbformat', 'rich', 'pandas', 'psutil')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=finished_project, check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


def test_a_secret_that_cannot_be_had_is_named_with_its_stage(
    tmp_path: Path, new_notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    new_notebook(tmp_path / "notebooks" / "load.ipynb", 'from nightbook import Secret\ntoken: Secret = "env:NO_SUCH"')
    monkeypatch.chdir(tmp_path)
    stages = select(load_settings(tmp_path, environment={}), (), {}).pipeline.stages
    with pytest.raises(SecretError, match=r"NO_SUCH.*stage 'load'"):
        check_secrets(tuple(stages.values()))
    monkeypatch.setenv("NO_SUCH", "long enough")
    check_secrets(tuple(stages.values()))
