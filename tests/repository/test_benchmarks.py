"""The benchmarks take too long to be run here; that each case can be called is seen at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# As `run.py` calls them.
CALL = """\
import inspect
from pathlib import Path
from run import cases_of
from sizes import Size
cases = cases_of(Size(), Path())
for case in cases.values():
    inspect.signature(case.func).bind(Path(), {}, *case.args, **case.keywords)
print(len(cases))
"""


def test_every_case_takes_what_it_is_given() -> None:
    done = subprocess.run([sys.executable, "-c", CALL], cwd=BENCHMARKS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10
