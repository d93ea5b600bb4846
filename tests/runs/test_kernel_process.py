from __future__ import annotations

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from nightbook.runs.kernel_process import QUEUE_MESSAGES, PromptKernelManager

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path


def in_a_loop(story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run it in a thread of its own: playwright's fixtures leave an event loop at work in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(story())).result()


def test_a_kernel_that_is_ready_answers_and_is_heard_and_then_ends() -> None:
    async def story() -> list[str]:
        manager = PromptKernelManager(kernel_name="python3")
        await manager.start_kernel()
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        asked = client.execute("print('heard')")
        texts: list[str] = []
        while not texts:
            message = await client.get_iopub_msg(timeout=60)
            if message["msg_type"] == "stream" and message["parent_header"]["msg_id"] == asked:
                texts.append(message["content"]["text"])
        client.stop_channels()
        await manager.shutdown_kernel()
        assert not await manager.is_alive()
        manager.context.destroy(linger=0)
        return texts

    assert in_a_loop(story) == ["heard\n"]


def test_a_kernel_that_dies_at_its_start_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = tmp_path / "kernels" / "stillborn"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-c", "raise SystemExit(3)", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Stillborn", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    async def story() -> None:
        manager = PromptKernelManager(kernel_name="stillborn")
        await manager.start_kernel()
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=600)
        finally:
            client.stop_channels()
            client.context.destroy(linger=0)
            manager.context.destroy(linger=0)

    with pytest.raises(RuntimeError, match="died before it was ready"):
        in_a_loop(story)


def test_more_messages_may_wait_than_zeromq_would_keep() -> None:
    manager = PromptKernelManager()
    assert manager.context.rcvhwm == QUEUE_MESSAGES
    manager.context.destroy()
