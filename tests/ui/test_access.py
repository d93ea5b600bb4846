from __future__ import annotations

from nightbook.ui.access import Role, Session, Sessions


def test_a_link_lets_in_one_person_once() -> None:
    sessions = Sessions()
    token = sessions.invite("Mara", Role.REVIEWER)
    key = sessions.admit(token)
    assert key is not None
    session = sessions.find(key)
    assert session is not None
    assert (session.user, session.role) == ("Mara", Role.REVIEWER)
    assert sessions.admit(token) is None


def test_what_nobody_was_given_opens_nothing() -> None:
    sessions = Sessions()
    assert sessions.admit("") is None
    assert sessions.find("") is None
    assert sessions.find(sessions.invite("Mara", Role.VIEWER)) is None


def test_who_has_logged_out_is_out() -> None:
    sessions = Sessions()
    key = sessions.admit(sessions.invite("Mara", Role.VIEWER)) or ""
    sessions.end(key)
    assert sessions.find(key) is None


def test_a_session_ends_by_itself() -> None:
    sessions = Sessions()
    key = sessions.admit(sessions.invite("Mara", Role.VIEWER)) or ""
    session = sessions.find(key)
    assert session is not None
    object.__setattr__(session, "ends_at", 0.0)
    assert sessions.find(key) is None


def test_each_session_has_a_token_of_its_own() -> None:
    one, other = (Session(user="Mara", role=Role.VIEWER) for _ in range(2))
    assert one.is_own(one.csrf_token)
    assert not one.is_own(other.csrf_token)
    assert not one.is_own("")
    assert not one.is_own("✓")
