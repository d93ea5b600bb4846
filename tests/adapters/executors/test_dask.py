from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import psutil
import pytest
from tests.contracts.executors import ExecutorContract, is_at_it, until

from nightbook.adapters.executors.dask import open_executor
from nightbook.errors import ExecutorError
from nightbook.plugins.executors import Stand
from nightbook.runs.away.answer import Letter, News
from nightbook.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.clusters import Cluster

    from nightbook.plugins.executors import Errand, Executor

pytestmark = pytest.mark.slow


class TestContract(ExecutorContract):
    @pytest.fixture
    def executor(self, two_workers: Cluster, tmp_path: Path) -> Iterator[Executor]:
        opened = open_executor(load_settings(tmp_path, environment={}), two_workers.address)
        yield opened
        opened.close()

    def test_it_counts_the_threads_of_all_workers(self, executor: Executor) -> None:
        assert executor.capacity() == 2

    def test_an_errand_whose_worker_dies_is_carried_out_by_another(
        self, executor: Executor, two_workers: Cluster, errand: Callable[[str], Errand]
    ) -> None:
        sent = errand('import time\nprint("at it", flush=True)\nwhile True:\n    time.sleep(0.05)')
        executor.send(sent)
        first = News.from_json(until(executor, sent.run_id, is_at_it, Letter()).text)
        two_workers.workers[first.worker].kill()
        again = until(executor, sent.run_id, lambda one: is_at_it(one) and first.attempt not in one.text, Letter())
        assert News.from_json(again.text).worker != first.worker
        executor.withdraw(sent.run_id)

    def test_an_end_that_takes_long_to_fetch_is_heard_later(
        self, executor: Executor, errand: Callable[[str], Errand], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("nightbook.adapters.executors.dask.REPLY_SECONDS", 0.0)
        sent = errand("print('done')")
        executor.send(sent)
        over = until(executor, sent.run_id, lambda one: one.stand is not Stand.AWAY, Letter())
        assert over.stand is Stand.OVER


def test_a_cluster_of_this_machine_goes_with_its_executor_and_is_encrypted(tmp_path: Path) -> None:
    executor = open_executor(load_settings(tmp_path, environment={}, flags={"jobs": 2}), "")
    assert executor.capacity() == 2
    assert executor._cluster is not None
    assert str(executor._cluster.scheduler_address).startswith("tls://127.0.0.1:")
    ours = [psutil.Process(), *psutil.Process().children(recursive=True)]
    open_to = {one.laddr.ip for process in ours for one in process.net_connections("inet") if one.status == "LISTEN"}
    assert open_to == {"127.0.0.1"}
    executor.close()
    assert multiprocessing.active_children() == []


def test_a_scheduler_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightbook.adapters.executors.dask.CONNECT_SECONDS", 1)
    with pytest.raises(ExecutorError, match=r"no Dask scheduler answers at 127\.0\.0\.1:9"):
        open_executor(load_settings(tmp_path, environment={}), "127.0.0.1:9")
