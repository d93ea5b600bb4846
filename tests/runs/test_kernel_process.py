from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from nightbook.runs.kernel_process import QUEUE_MESSAGES, PromptKernelManager

if TYPE_CHECKING:
    from pathlib import Path

PRINT_AND_END = """\
import asyncio, pathlib, sys
from nightbook.runs.kernel_process import PromptKernelManager

async def story():
    manager = PromptKernelManager(kernel_name="python3")
    manager.listen_in(pathlib.Path(sys.argv[1]))
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    asked = client.execute("print('heard')")
    message = {"msg_type": ""}
    while message["msg_type"] != "stream" or message["parent_header"].get("msg_id") != asked:
        message = await client.get_iopub_msg(timeout=60)
    folder = pathlib.Path(sys.argv[1])
    print(oct(folder.stat().st_mode)[-3:], len(list(folder.iterdir())))
    await manager.shutdown_kernel()
    print(message["content"]["text"].strip(), await manager.is_alive())

asyncio.run(story())
"""
PRINT_TRANSPORT = """\
import pathlib, sys
from nightbook.runs.kernel_process import PromptKernelManager
manager = PromptKernelManager(kernel_name="python3")
manager.listen_in(pathlib.Path(sys.argv[1]))
print(manager.transport)
"""
WAIT_FOR_THE_DEAD = """\
import asyncio
from nightbook.runs.kernel_process import PromptKernelManager

async def story():
    manager = PromptKernelManager(kernel_name="stillborn")
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=600)

asyncio.run(story())
"""


def tell(story: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: jupyter_client leaves sockets to the end of the process."""
    command = [sys.executable, "-W", "ignore", "-c", story, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


def test_a_kernel_listens_where_only_its_owner_may_is_heard_and_then_ends(tmp_path: Path) -> None:
    done = tell(PRINT_AND_END, str(tmp_path / "sockets"))
    assert done.stdout == "700 5\nheard False\n", done.stderr


def test_where_a_path_is_too_long_for_a_socket_it_listens_on_ports(tmp_path: Path) -> None:
    done = tell(PRINT_TRANSPORT, str(tmp_path / ("long" * 25)))
    assert done.stdout == "tcp\n", done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_that_dies_at_its_start_is_not_waited_for(tmp_path: Path) -> None:
    spec = tmp_path / "kernels" / "stillborn"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-c", "raise SystemExit(3)", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Stillborn", "language": "python"}))
    assert "RuntimeError: it died before it was ready" in tell(WAIT_FOR_THE_DEAD, JUPYTER_PATH=str(tmp_path)).stderr


def test_more_messages_may_wait_than_zeromq_would_keep() -> None:
    manager = PromptKernelManager()
    assert manager.context.rcvhwm == QUEUE_MESSAGES
    manager.context.destroy()
