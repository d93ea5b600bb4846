from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nightbook.machine import processors
from nightbook.runs.warm.bounds import bound_memory, control_group, soft_limits

if TYPE_CHECKING:
    from collections.abc import Callable

NO_LIMIT = resource.RLIM_INFINITY
FILES, DATA, STACK, CORE = resource.RLIMIT_NOFILE, resource.RLIMIT_DATA, resource.RLIMIT_STACK, resource.RLIMIT_CORE


def said(code: str, before: Callable[[], object] | None = None) -> Any:
    """What a process says in JSON that changes its bounds: not the tests' own, which could not be undone."""
    code = f"import json, os, resource\nfrom nightbook.runs.warm.bounds import *\n{code}"
    return json.loads(subprocess.check_output([sys.executable, "-c", code], preexec_fn=before))


def soften(kind: int, limit: int) -> None:
    resource.setrlimit(kind, (limit, resource.getrlimit(kind)[1]))


def harden(kind: int, limit: int) -> None:
    resource.setrlimit(kind, (limit, limit))


def test_every_limit_is_named_once() -> None:
    found = soft_limits()
    assert found["RLIMIT_NOFILE"] == resource.getrlimit(FILES)[0]
    assert "RLIMIT_OFILE" not in found
    assert all(resource.getrlimit(getattr(resource, name))[0] == limit for name, limit in found.items())


def test_a_process_takes_the_limits_and_processors_of_another() -> None:
    one = min(os.sched_getaffinity(0))

    def restrict() -> None:
        soften(FILES, 50)
        os.sched_setaffinity(0, {one})

    code = f"take({{'RLIMIT_NOFILE': 123}}, [{one}]); print(json.dumps([resource.getrlimit({FILES}), processors()]))"
    assert said(code) == [[123, resource.getrlimit(FILES)[1]], [one]]
    wide = f"take({soft_limits()}, {processors()}); print(json.dumps([soft_limits(), processors()]))"
    assert said(wide, restrict) == [soft_limits(), processors()]


def test_what_is_not_named_stays_as_it_is() -> None:
    code = (
        "before = soft_limits(), processors()\ntake({}, ())\nprint(json.dumps(before == (soft_limits(), processors())))"
    )
    assert said(code) is True


@pytest.mark.parametrize("wanted", [500, NO_LIMIT])
def test_no_more_is_taken_than_may_be(wanted: int) -> None:
    code = f"take({{'RLIMIT_NOFILE': {wanted}}}, ()); print(json.dumps(resource.getrlimit({FILES})))"
    assert said(code, lambda: harden(FILES, 200)) == [200, 200]


def test_processors_that_are_gone_are_not_missed() -> None:
    assert said("take({}, [100_000]); print(json.dumps(processors()))") == processors()


@pytest.mark.parametrize(
    ("soft", "hard", "bound"),
    [
        (NO_LIMIT, NO_LIMIT, [4 << 30, 4 << 30]),
        (2 << 30, NO_LIMIT, [2 << 30, 4 << 30]),
        (1 << 30, 2 << 30, [1 << 30, 2 << 30]),
        (8 << 30, 9 << 30, [4 << 30, 4 << 30]),
    ],
)
def test_of_two_bounds_of_memory_the_lower_one_holds(soft: int, hard: int, bound: list[int]) -> None:
    code = f"bound_memory(4 << 30); print(json.dumps(resource.getrlimit({DATA})))"
    assert said(code, lambda: resource.setrlimit(DATA, (soft, hard))) == bound


def test_the_memory_of_another_process_is_bounded() -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        bound_memory(4 << 30, other.pid)
        assert resource.prlimit(other.pid, DATA) == (4 << 30, 4 << 30)
        other.kill()


def test_a_parent_is_not_hindered_by_who_started_it_but_leaves_no_larger_stacks_and_cores() -> None:
    hard = resource.getrlimit(FILES)[1]

    def restrict() -> None:
        soften(FILES, 60)
        soften(CORE, 0)
        soften(STACK, 1 << 20)

    code = f"rise(); print(json.dumps([resource.getrlimit(one)[0] for one in ({FILES}, {CORE}, {STACK})]))"
    assert said(code, restrict) == [hard, 0, 1 << 20]


FOR_GOOD: dict[str, Callable[[], object]] = {
    "niceness": lambda: os.nice(3),
    "scheduling": lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)),
    "hard limit": lambda: harden(FILES, 300),
    "stack": lambda: soften(STACK, 1 << 20),
    "memory": lambda: Path("/proc/self/oom_score_adj").write_text("900", encoding="ascii"),
}
PASSING: dict[str, Callable[[], object]] = {
    "soft limit": lambda: soften(FILES, 300),
    "processors": lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
    "umask": lambda: os.umask(0o077),
}


@pytest.mark.parametrize("change", FOR_GOOD)
def test_what_a_fork_could_not_shake_off_is_told(change: str) -> None:
    assert said("print(json.dumps(for_good()))", FOR_GOOD[change]) != said("print(json.dumps(for_good()))")


@pytest.mark.parametrize("change", PASSING)
def test_what_a_fork_can_be_given_is_not(change: str) -> None:
    assert said("print(json.dumps(for_good()))", PASSING[change]) == said("print(json.dumps(for_good()))")


def test_the_groups_of_users_are_told() -> None:
    if os.getuid() != 0:
        pytest.skip("groups are left with root's rights")
    code = "print(json.dumps(for_good()))"
    assert said(code, lambda: os.setgroups([12345])) != said(code)


def test_the_control_group_is_the_systems_word_for_it() -> None:
    assert control_group() == Path("/proc/self/cgroup").read_text(encoding="utf-8")
