from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from tests.warmth import until

from nightbook.runs.warm.places import KERNEL, RUNNER, Place
from nightbook.runs.warm.tenancy import MOST_PARENTS, Tenancy

if TYPE_CHECKING:
    from pathlib import Path


def settle(folder: Path, number: int, *, kind: str = KERNEL) -> Place:
    """A place that was used last at a time."""
    place = Place(key=f"{kind}-{number}", folder=folder)
    place.socket.touch()
    os.utime(place.socket, (number, number))
    return place


def test_a_tenancy_lasts_while_nothing_changes(tmp_path: Path) -> None:
    assert not Tenancy(settle(tmp_path, 1)).is_over


def test_who_is_given_notice_goes(tmp_path: Path) -> None:
    place = settle(tmp_path, 1)
    tenancy = Tenancy(place)
    place.socket.unlink()
    assert tenancy.is_over


def test_who_finds_another_in_its_place_goes_and_leaves_that_alone(tmp_path: Path) -> None:
    place = settle(tmp_path, 1)
    tenancy = Tenancy(place)
    other = tmp_path / "other"
    other.touch()
    other.rename(place.socket)
    assert tenancy.is_over
    tenancy.give_up()
    assert place.socket.exists()


def test_whose_files_change_goes(tmp_path: Path, site: Path) -> None:
    tenancy = Tenancy(settle(tmp_path, 1))
    os.utime(site, ns=(1, 1))
    until(lambda: tenancy.is_over)


@pytest.mark.parametrize(("said", "is_kept"), [("", False), ("begins again", True)])
def test_who_gives_up_leaves_only_a_log_that_says_something(tmp_path: Path, said: str, is_kept: bool) -> None:
    place = settle(tmp_path, 1)
    place.log.write_text(said)
    Tenancy(place).give_up()
    assert not place.socket.exists()
    assert place.log.exists() is is_kept


def test_of_more_than_eight_of_a_kind_the_longest_unused_goes(tmp_path: Path) -> None:
    places = [settle(tmp_path, number) for number in range(1, MOST_PARENTS + 2)]
    others = [settle(tmp_path, number, kind=RUNNER) for number in range(3)]
    Tenancy(places[0]).use()  # the oldest serves again, and is young
    Tenancy(places[-1]).make_room()
    assert [place for place in places if not place.socket.exists()] == [places[1]]
    assert all(place.socket.exists() for place in others)


def test_eight_of_a_kind_may_stay(tmp_path: Path) -> None:
    places = [settle(tmp_path, number) for number in range(MOST_PARENTS)]
    Tenancy(places[0]).make_room()
    assert all(place.socket.exists() for place in places)


def test_who_makes_room_stays_itself(tmp_path: Path) -> None:
    places = [settle(tmp_path, number) for number in range(MOST_PARENTS + 3)]
    Tenancy(places[0]).make_room()
    assert [place for place in places if not place.socket.exists()] == places[1:4]


def test_who_lost_its_place_while_it_began_makes_room_all_the_same(tmp_path: Path) -> None:
    place = settle(tmp_path, 1)
    tenancy = Tenancy(place)
    place.socket.unlink()
    tenancy.make_room()
    tenancy.use()
    assert tenancy.is_over


def test_what_nobody_has_used_for_weeks_is_removed(tmp_path: Path) -> None:
    place = settle(tmp_path, 1)
    os.utime(place.socket)
    for name, age in {"kernel-old.lock": 8 * 86_400, "kernel-old.log": 8 * 86_400, "kernel-new.lock": 60}.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    Tenancy(place).tidy()
    assert {path.name for path in tmp_path.iterdir()} == {place.socket.name, "kernel-new.lock"}
