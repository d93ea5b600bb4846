"""Whether a worker has the same packages as the client: a digest of what is installed, and words for what differs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nightbook.errors import SettingsError
from nightbook.pipelines.digests import digest_bytes
from nightbook.pipelines.distributions import installed_in, site_folders
from nightbook.pipelines.kernels import find_kernel
from nightbook.pipelines.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SHOWN = 5
PYTHON = "python"


def environment_listing(kernel_name: str, cache_folder: Path) -> bytes:
    """Python's minor version and every distribution that a kernel finds, a line each, as `pip freeze` writes them.

    Raises:
        KernelError: There is no such kernel here.
    """
    kernel = find_kernel(kernel_name)
    known = Memory[list[str]](cache_folder / "environments.json", most=8)
    lines = installed_in(site_folders(kernel.interpreter if kernel.language == "python" else PYTHON), known)
    known.save()
    version = f"{PYTHON}=={sys.version_info.major}.{sys.version_info.minor}"
    return "".join(f"{line}\n" for line in (version, *lines)).encode()


def environment_digest(listing: bytes) -> str:
    """The lock digest: equal only where the same versions of the same distributions are installed."""
    return digest_bytes(listing)


def refuse_difference(wanted: bytes, here: bytes, worker: str) -> None:
    """Say what differs, the first few by name.

    Raises:
        SettingsError: Something does.
    """
    asked, found = _versions(wanted), _versions(here)
    names = [name for name in sorted(asked.keys() | found.keys(), key=str.lower) if asked.get(name) != found.get(name)]
    if not names:
        return
    shown = "; ".join(_words(name, asked, found) for name in names[:_SHOWN])
    more = f"; and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise SettingsError(
        f"the worker {worker} has another environment: {shown}{more}",
        remedy="install the same lock file on client and workers, for instance as one container image",
    )


def _versions(listing: bytes) -> Mapping[str, str]:
    lines = (line.partition("==") for line in listing.decode().splitlines())
    return {name: version for name, _, version in lines}


def _words(name: str, asked: Mapping[str, str], found: Mapping[str, str]) -> str:
    return f"{name} {found.get(name, 'is missing there')} instead of {asked.get(name, 'none')}"
