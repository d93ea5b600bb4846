"""The table of everything that the app answers: nothing is served that does not stand in it with a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.routing import Route as StarletteRoute

from nightbook.ui.guard import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from nightbook.ui.access import Role
    from nightbook.ui.guard import Guard


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One thing that can be asked for.

    Attributes:
        path: As Starlette writes it.
        answer: Called in a thread: it may read the ledger and files.
        role: Whoever has less is refused.
        method: GET changes nothing; POST needs the session's token and comes from a page of ours.
    """

    path: str
    answer: Callable[[Request], Response]
    role: Role
    method: str = "GET"


def routes_of(table: Iterable[Route], guard: Guard) -> list[StarletteRoute]:
    """The table for Starlette, each entry behind the guard."""
    return [StarletteRoute(one.path, _endpoint(one, guard), methods=[one.method]) for one in table]


def _endpoint(route: Route, guard: Guard) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        refusal = await checked(request, guard, route.role)
        return refusal if refusal is not None else await run_in_threadpool(route.answer, request)

    return endpoint
