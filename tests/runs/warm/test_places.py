from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.warmth import until

from nightbook.errors import StorageError
from nightbook.runs.warm.places import (
    FOLDER,
    KERNEL,
    PUBLISHER,
    RUNNER,
    installed_state,
    place_of,
    secret_variables,
    warm_folder,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.warmth import WarmFolder

CANNOT_CHANGE = ["PYTHONHASHSEED", "PYTHONPATH", "LD_LIBRARY_PATH", "LC_ALL", "VIRTUAL_ENV"]
READ_BY_LIBRARIES = ["HOME", "TZ", "CUDA_VISIBLE_DEVICES", "A_VARIABLE_OF_SOMEBODYS"]
HARMLESS = ["PWD", "TERM", "SHLVL", "NIGHTBOOK_RUN_ID", "NIGHTBOOK_WARM_IDLE_SECONDS", "GITHUB_SHA", "MLFLOW_RUN_ID"]


@pytest.fixture
def environment(warm: WarmFolder) -> dict[str, str]:
    return {FOLDER: str(warm.path), "PATH": "/bin"}


def is_another(kind: str, environment: dict[str, str], name: str) -> bool:
    return place_of(kind, environment) != place_of(kind, {**environment, name: "7"})


@pytest.mark.parametrize("name", CANNOT_CHANGE)
def test_what_cannot_change_after_a_fork_gives_another_place(environment: dict[str, str], name: str) -> None:
    assert [is_another(kind, environment, name) for kind in (KERNEL, RUNNER, PUBLISHER)] == [True, True, True]


@pytest.mark.parametrize("name", READ_BY_LIBRARIES)
def test_what_any_library_may_read_at_import_counts_for_kernels_alone(environment: dict[str, str], name: str) -> None:
    assert [is_another(kind, environment, name) for kind in (KERNEL, RUNNER, PUBLISHER)] == [True, False, False]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_no_matter_gives_the_same_place(environment: dict[str, str], name: str) -> None:
    assert [is_another(kind, environment, name) for kind in (KERNEL, RUNNER, PUBLISHER)] == [False, False, False]


def test_a_secret_gives_the_same_place_whatever_its_value(environment: dict[str, str]) -> None:
    names = secret_variables(["env:TOKEN", "file:/run/token"])
    assert names == ["TOKEN"]
    first, second = (place_of(KERNEL, {**environment, "TOKEN": value}, secrets=names) for value in ("one", "two"))
    assert first == second == place_of(KERNEL, environment)


def test_each_kind_and_project_has_a_place_of_its_own(environment: dict[str, str]) -> None:
    places = [place_of(kind, environment, root=root) for kind in (KERNEL, RUNNER, PUBLISHER) for root in ("", "/a")]
    assert len({place.key for place in places}) == 6
    assert len({place.socket for place in places}) == 6


def test_names_and_values_are_not_taken_for_each_other(environment: dict[str, str]) -> None:
    assert place_of(KERNEL, {**environment, "A": "b", "C": "d"}) != place_of(KERNEL, {**environment, "A": "bC=d"})
    assert place_of(KERNEL, {**environment, "A": "\udcff"}) != place_of(KERNEL, {**environment, "A": "\udcfe"})


def test_what_is_installed_counts(site: Path, environment: dict[str, str]) -> None:
    before, place = installed_state(), place_of(RUNNER, environment)
    assert installed_state() == before
    os.utime(site, ns=(1, 1))
    until(lambda: installed_state() != before)
    assert place_of(RUNNER, environment) != place


def test_what_conda_installs_beside_python_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for prefix in ("prefix", "base_prefix"):
        monkeypatch.setattr(sys, prefix, str(tmp_path / prefix))
        until(lambda: "conda-meta@0" in installed_state())
        account = tmp_path / prefix / "conda-meta"
        account.mkdir(parents=True)
        until(lambda: f"{account}@{account.stat().st_mtime_ns}" in installed_state())  # noqa: B023 - called at once
        os.utime(account, ns=(1, 1))
        until(lambda: f"{account}@1" in installed_state())  # noqa: B023 - as above


def key_under(restrict: Callable[[], object] | None, kind: str) -> str:
    """The key for a process that was restricted before it began."""
    code = f"import os\nfrom nightbook.runs.warm.places import place_of\nprint(place_of({kind!r}, os.environ).key)"
    return subprocess.check_output([sys.executable, "-c", code], preexec_fn=restrict, text=True).strip()


def narrow() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def soften() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def harden() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("kind", [KERNEL, RUNNER])
def test_what_a_fork_cannot_be_given_gives_another_place(kind: str) -> None:
    plain = key_under(None, kind)
    assert [key_under(one, kind) == plain for one in (None, soften, harden, lambda: os.nice(5))] == [
        True,
        True,
        False,
        False,
    ]
    # Libraries may look when they are imported.
    is_alike = len(os.sched_getaffinity(0)) == 1 or kind == RUNNER
    assert (key_under(narrow, kind) == plain) == is_alike


def test_another_control_group_gives_another_place_in_the_same_circumstances(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = place_of(KERNEL, environment)
    monkeypatch.setattr("nightbook.runs.warm.places.control_group", lambda: "0::/another")
    there = place_of(KERNEL, environment)
    assert here != there
    assert here.circumstances == there.circumstances != place_of(KERNEL, {**environment, "A": "b"}).circumstances


def test_the_folder_is_made_for_its_owner_alone(warm: WarmFolder) -> None:
    folder = warm.path / "f"
    assert warm_folder({FOLDER: str(folder)}) == folder
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o720])
def test_a_folder_that_others_may_enter_is_refused(warm: WarmFolder, mode: int) -> None:
    warm.path.chmod(mode)
    with pytest.raises(StorageError, match="others may enter"):
        place_of(KERNEL, {FOLDER: str(warm.path)})


def test_a_folder_of_somebody_else_is_refused(warm: WarmFolder) -> None:
    if os.getuid() == 0:
        os.chown(warm.path, 65534, 65534)
        theirs = str(warm.path)
    else:
        theirs = "/root"
    with pytest.raises(StorageError):
        warm_folder({FOLDER: theirs})
    if os.getuid() == 0:
        os.chown(warm.path, 0, 0)


def test_a_link_a_file_and_a_folder_that_cannot_be_made_are_refused(warm: WarmFolder, tmp_path: Path) -> None:
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(warm.path)
    file.touch(0o600)
    for path in (link, file, tmp_path / "no" / "such"):
        with pytest.raises(StorageError) as refused:
            warm_folder({FOLDER: str(path)})
        assert refused.value.remedy


def test_a_path_that_is_too_long_for_a_socket_is_refused(warm: WarmFolder) -> None:
    with pytest.raises(StorageError, match="too long"):
        warm_folder({FOLDER: str(warm.path / ("x" * 90))})
