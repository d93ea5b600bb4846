from __future__ import annotations

import io
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import PipelineError, StorageError
from nightbook.pipelines.archive import Archivist, extract_files, unpack

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 1_000_000


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"content of {name}")
    return root


def archivist(root: Path, *left_out: Path, limit_bytes: int = LIMIT) -> Archivist:
    return Archivist(root, limit_bytes=limit_bytes, left_out=frozenset(left_out))


def test_what_is_unpacked_is_what_was_packed(tmp_path: Path) -> None:
    root = fill(tmp_path / "project", "notebooks/a.ipynb", "src/ü.py", "run.sh")
    (root / "run.sh").chmod(0o755)
    (root / "link.py").symlink_to("src/ü.py")
    unpack(archivist(root).pack().content, tmp_path / "there")
    found = {path.relative_to(tmp_path / "there").as_posix() for path in (tmp_path / "there").rglob("*.*")}
    assert found == {"notebooks/a.ipynb", "src/ü.py", "run.sh", "link.py"}
    assert (tmp_path / "there" / "link.py").read_text() == "content of src/ü.py"
    assert (tmp_path / "there" / "run.sh").stat().st_mode & 0o111
    assert not (tmp_path / "there" / "link.py").is_symlink()


def test_equal_projects_have_equal_archives_wherever_and_whenever(tmp_path: Path) -> None:
    one, two = (fill(tmp_path / name, "b.py", "a/c.py") for name in ("one", "two"))
    (two / "b.py").touch()
    assert archivist(one).pack().digest == archivist(two).pack().digest


def test_a_project_is_packed_again_only_when_it_has_changed(tmp_path: Path) -> None:
    root = fill(tmp_path, "a.py", "b.py")
    packer = archivist(root)
    first = packer.pack()
    assert packer.pack() is first
    (root / "a.py").write_text("changed")
    assert packer.pack().digest != first.digest


def test_what_git_ignores_stays_and_so_do_state_secrets_and_what_the_store_carries(tmp_path: Path) -> None:
    root = fill(tmp_path, "a.py", "new.py", "token.txt", ".env", "data/raw.csv", "data/made/x", ".nightbook/ledger")
    (root / ".gitignore").write_text("data/raw.csv\n")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "-f", "a.py", ".env"], cwd=root, check=True)
    packed = archivist(root, root / "token.txt", root / "data" / "made", root / ".nightbook").pack()
    assert packed.names == {".gitignore", "a.py", "new.py"}


def test_without_git_caches_and_virtual_environments_stay(tmp_path: Path) -> None:
    names = ("a.py", "__pycache__/a.pyc", ".venv/pyvenv.cfg", ".venv/lib/x.py", ".pytest_cache/x", "state/runs/x")
    root = fill(tmp_path, *names, ".ipynb_checkpoints/a.ipynb", ".env")
    assert archivist(root, root / "state").pack().names == {"a.py"}


def test_a_repository_that_git_does_not_read_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "a.py", ".git/HEAD")
    with pytest.raises(StorageError, match="git does not say what belongs to the project"):
        archivist(tmp_path).pack()


def test_a_project_too_large_to_travel_is_refused_and_its_largest_files_are_named(tmp_path: Path) -> None:
    root = fill(tmp_path, "a.py")
    (root / "big.csv").write_bytes(b"x" * 2_000_000)
    with pytest.raises(
        PipelineError, match=r"2\.0 MB, and archive_limit_bytes lets 1\.0 MB .* big\.csv \(2\.0 MB\), a\.py"
    ):
        archivist(root).pack()


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "a/../../out.txt"])
def test_nothing_is_unpacked_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as archive, pytest.raises(tarfile.TarError, match="leads out of the folder"):
        extract_files(archive, tmp_path / "in")


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be unpacked"):
        unpack(b"nonsense", tmp_path)
