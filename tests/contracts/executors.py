"""What every executor does. A third party's test inherits `ExecutorContract` and gives it the fixture `executor`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from nightbook.pipelines.digests import FileDigests
from nightbook.pipelines.stage import load_stages
from nightbook.plugins.executors import Errand, Reply, Stand
from nightbook.records import RunStatus
from nightbook.runs.away.answer import Answer, Letter, News
from nightbook.runs.away.luggage import Packer
from nightbook.runs.census import processes_of
from nightbook.runs.facts import new_run_id
from nightbook.runs.request import SOURCE, ExecutionRequest
from nightbook.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nightbook.plugins.executors import Executor

PATIENCE_SECONDS = 120
FOREVER = 'import time\nprint("at it", flush=True)\nwhile True:\n    time.sleep(0.05)'


def until(executor: Executor, run_id: str, condition: Callable[[Reply], bool], letter: Letter) -> Reply:
    """The first reply that fulfils a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        reply = executor.exchange({run_id: letter.to_json()}).get(run_id)
        if reply is not None and condition(reply):
            return reply
        time.sleep(0.05)
    return pytest.fail(f"waited {PATIENCE_SECONDS} s")


def is_at_it(reply: Reply) -> bool:
    return reply.stand is Stand.AWAY and "at it" in News.from_json(reply.text).events


class ExecutorContract:
    """Inherit, and give it the fixture `executor`, open and with room for a run."""

    @pytest.fixture
    def errand(self, tmp_path: Path, new_notebook: Callable[..., Path]) -> Callable[[str], Errand]:
        """Makes an errand that executes a cell."""

        def make(cell: str) -> Errand:
            root = tmp_path / "project"
            new_notebook(root / "notebooks" / "one.ipynb", "n: int = 1", cell)
            settings = load_settings(root, environment={"NIGHTBOOK_STORE": str(tmp_path / "store")})
            (stage,) = load_stages(settings, {})
            run_id = new_run_id()
            folder = settings.runs_folder / run_id
            folder.mkdir(parents=True)
            (folder / SOURCE).write_text(json.dumps(stage.notebook.content))
            request = ExecutionRequest(
                run_id=run_id,
                ledger="",
                root=str(root),
                state=str(settings.state),
                store=settings.store,
                folder=str(folder),
                notebook="notebooks/one.ipynb",
                working_directory=str(root / "notebooks"),
                kernel_name="python3",
                language="python",
                inputs=tuple(map(FileDigests(settings.cache_folder / "digests.json").pin, stage.inputs)),
            )
            order, cargo = Packer(settings).pack(stage, request)
            return Errand(run_id=run_id, label="one-ab", document=order.to_json(), cargo=cargo)

        return make

    def test_it_has_room(self, executor: Executor) -> None:
        assert executor.capacity() >= 1

    def test_an_errand_is_carried_out_and_its_answer_given_once(
        self, executor: Executor, errand: Callable[[str], Errand]
    ) -> None:
        sent = errand("n + 1")
        executor.send(sent)
        reply = until(executor, sent.run_id, lambda one: one.stand is Stand.OVER, Letter())
        assert Answer.from_json(reply.text).outcome.status is RunStatus.SUCCEEDED
        assert executor.exchange({sent.run_id: Letter().to_json()}).get(sent.run_id) in (
            None,
            Reply(stand=Stand.WAITING),
        )

    def test_letters_reach_a_run(self, executor: Executor, errand: Callable[[str], Errand]) -> None:
        sent = errand(FOREVER)
        executor.send(sent)
        until(executor, sent.run_id, is_at_it, Letter())
        reply = until(executor, sent.run_id, lambda one: one.stand is Stand.OVER, Letter(wish="cancel"))
        assert Answer.from_json(reply.text).outcome.status is RunStatus.CANCELLED

    def test_what_is_withdrawn_ends(self, executor: Executor, errand: Callable[[str], Errand]) -> None:
        sent = errand(FOREVER)
        executor.send(sent)
        until(executor, sent.run_id, is_at_it, Letter())
        executor.withdraw(sent.run_id)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while processes_of(sent.run_id):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def test_what_cannot_be_carried_out_is_lost_and_says_why(
        self, executor: Executor, errand: Callable[[str], Errand]
    ) -> None:
        sent = errand("n")
        executor.send(Errand(run_id="00ff", label="one-ab", document="no order", cargo=sent.cargo))
        reply = until(executor, "00ff", lambda one: one.stand is Stand.LOST, Letter())
        assert "JSONDecodeError" in reply.text
