"""Who may: roles, the one-time link by which somebody logs in, and the sessions that follow from it."""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from threading import Lock

SESSION_SECONDS = 12 * 3600
_TOKEN_BYTES = 32


class Role(IntEnum):
    """What somebody may do; each may what those before it may."""

    ANYBODY = 0
    """Without a session: to log in, and to load what the login page is made of."""
    VIEWER = 1
    """Read everything."""
    AUTHOR = 2
    """Also start and cancel runs."""
    REVIEWER = 3
    """Also decide about them."""
    ADMIN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is logged in.

    Attributes:
        user: As the ledger names them.
        role: What they may do.
        csrf_token: What each form of theirs carries; nobody else's page knows it.
        ends_at: In seconds since the epoch.
    """

    user: str
    role: Role
    csrf_token: str = field(default_factory=lambda: secrets.token_urlsafe(_TOKEN_BYTES))
    ends_at: float = field(default_factory=lambda: time.time() + SESSION_SECONDS)

    def is_own(self, token: str) -> bool:
        """Whether a form's token is this session's."""
        return hmac.compare_digest(self.csrf_token.encode(), token.encode())


class Sessions:
    """Everybody who is logged in, and the links that let in somebody once. Safe to share between threads."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._invitations: dict[str, Session] = {}
        self._change = Lock()

    def invite(self, user: str, role: Role) -> str:
        """A word that lets in one person, once."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._change:
            self._invitations[_hidden(token)] = Session(user=user, role=role)
        return token

    def admit(self, token: str) -> str | None:
        """The key of a new session for whoever brings an invitation; None when it is not, or no longer, valid."""
        with self._change:
            session = self._invitations.pop(_hidden(token), None)
            if session is None:
                return None
            key = secrets.token_urlsafe(_TOKEN_BYTES)
            self._sessions[_hidden(key)] = session
            return key

    def find(self, key: str) -> Session | None:
        """Whose key it is; None when nobody's."""
        with self._change:
            session = self._sessions.get(_hidden(key))
            if session is not None and session.ends_at < time.time():
                del self._sessions[_hidden(key)]
                return None
            return session

    def end(self, key: str) -> None:
        """Log out."""
        with self._change:
            self._sessions.pop(_hidden(key), None)


def _hidden(token: str) -> str:
    """Looked up by its digest, so that how long a search takes tells nothing of the token."""
    return sha256(token.encode()).hexdigest()
