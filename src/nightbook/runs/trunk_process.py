"""The process that has a sweep's shared cells executed, and holds the kernel that is forked for each of its runs.

See `nightbook.runs.process`; its argument is a request's file. It stays until its standard input ends.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

from nightbook.errors import NightbookError
from nightbook.runs.census import RUN_FOLDER, RUN_VARIABLE
from nightbook.runs.request import ExecutionRequest
from nightbook.runs.runner import threads_environment
from nightbook.runs.trunks import leave_trunk


def main() -> None:
    """Serve the request named on the command line."""
    request = ExecutionRequest.read(Path(sys.argv[1]))
    os.environ.update({**threads_environment(request), RUN_VARIABLE: request.run_id, RUN_FOLDER: request.folder})
    try:
        import_module("nightbook.runs.engine").be_trunk(request)
    except NightbookError as error:
        leave_trunk(request, reason=error.message)
    os._exit(1)
