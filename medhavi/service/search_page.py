"""Search over everything that has an id, and the address of each object."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import polars as pl

from medhavi.service.page_data import SCENARIO, facts_of, load_data
from medhavi.service.plan_pages.plan_loading import plan_at_hand
from medhavi.service.shell import FRAMED_SCRIPT
from medhavi.views.item_record import item_link
from medhavi.views.names import count, quantity, when
from medhavi.views.order_grid import (
    customer_link,
    demand_link,
    order_link,
    supplier_link,
)
from medhavi.views.page import (
    ICON,
    PAGES,
    document,
    empty,
    header,
    navigation_html,
    table_html,
)
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from medhavi.results.plans.plan import Plan
    from medhavi.service.page_data import PageData
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names


MOST_RESULTS = 40
"""Results that a page lists; it counts the others."""
MOST_HITS = 8
"""Results that are listed while somebody types."""
_FROM_A_KIND = 3
"""So many of one kind are listed before more of it: items would hide a customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """One object: its kind, its name, what tells it from others, its address."""

    kind: str
    title: str
    detail: str
    address: str


def resource_link(resource: str) -> str:
    """Address of a resource on the capacity page.

    >>> resource_link("FILL-1")
    '/capacity/?resource=FILL-1'
    """
    return f"/capacity/?{urlencode({'resource': resource})}"


def search_results(
    snapshot: Snapshot, names: Names, text: str, plan: Plan | None = None
) -> list[SearchResult]:
    """Objects whose id or name contains all words of a text, in the order of kinds.

    Exact ids come first; planned orders are found by their number. An empty text finds
    nothing; where nothing contains a word, the nearest word of a name takes its place.
    """
    words = text.casefold().split()
    if not words:
        return []
    objects = [
        (result, f"{result.title} {result.detail}".casefold())
        for result in _objects(snapshot, names, plan)
    ]
    planned = []
    if plan is not None:
        planned = list(_planned_orders(plan, names, text.strip().lower()))
    found = _containing(objects, words)
    if not found and not planned:
        found = _containing(objects, _nearest(objects, words))
    return sorted([*found, *planned], key=lambda result: not is_exact(result, text))


def is_exact(result: SearchResult, text: str) -> bool:
    """Whether a text is the id or the whole name of a result."""
    return text.strip().casefold() in _ids(result)


def _containing(
    objects: Iterable[tuple[SearchResult, str]], words: Sequence[str]
) -> list[SearchResult]:
    return [result for result, told in objects if all(word in told for word in words)]


def _nearest(
    objects: Iterable[tuple[SearchResult, str]], words: Sequence[str]
) -> list[str]:
    """Words, each that stands nowhere replaced by one of a name that is like it.

    A number that is like another one is another one.
    """
    known = {word for result, _ in objects for word in result.title.casefold().split()}
    return [
        word
        if any(map(str.isdigit, word)) or any(word in one for one in known)
        else next(iter(get_close_matches(word, known, n=1, cutoff=0.75)), word)
        for word in words
    ]


def _ids(result: SearchResult) -> tuple[str, ...]:
    return (result.title.casefold(), result.detail.split(" · ")[0].casefold())


def _objects(
    snapshot: Snapshot, names: Names, plan: Plan | None
) -> Iterator[SearchResult]:
    for address, title in PAGES.items():
        yield SearchResult(kind="Page", title=title, detail="", address=f"/{address}/")
    yield from _items(snapshot, names)
    yield from _lots(snapshot, names)
    yield from _orders(snapshot, names, plan)
    yield from _demands(snapshot, names)
    yield from _partners(snapshot, names)


def _items(snapshot: Snapshot, names: Names) -> Iterator[SearchResult]:
    network, places = snapshot.network, snapshot["locations"]
    customers = set(places.filter(kind="customer")["location"])
    items = map(network.ids, range(len(network)))
    sold = set(snapshot["demands"]["product"])
    # What customers ask for before what goes into it; where goods are made and kept
    # before where they are only delivered.
    for product, location in sorted(
        items, key=lambda item: (item[0] not in sold, item[1] in customers)
    ):
        yield SearchResult(
            kind="Item",
            title=f"{names.name(product)} at {names.name(location)}",
            detail=f"{product} · {location}",
            address=item_link(product, location),
        )


def _lots(snapshot: Snapshot, names: Names) -> Iterator[SearchResult]:
    stock = snapshot["stock"].filter(pl.col("lot").fill_null("") != "")
    for row in stock.iter_rows(named=True):
        product, location = row["product"], row["location"]
        amount = quantity(row["qty"], names.unit(product))
        yield SearchResult(
            kind=say("stock_lot"),
            title=row["lot"],
            detail=f"{amount} {names.name(product)} at {names.name(location)}",
            address=f"{item_link(product, location)}&tab=stock-lots",
        )


def _orders(
    snapshot: Snapshot, names: Names, plan: Plan | None
) -> Iterator[SearchResult]:
    """Open orders; a work order that loses some says what comes out good."""
    made: dict[str, tuple[float, float]] = {}
    if plan is not None:
        work = plan.supplies.filter(pl.col("kind") == "make")
        columns = work.select("number", "order_qty", "qty").iter_rows()
        made = {number: (started, good) for number, started, good in columns}
    for row in snapshot["supply_orders"].iter_rows(named=True):
        started, good = made.get(row["supply_order"], (None, None))
        # One that is done in part has less to come: the table says the whole.
        loses = started == row["qty"] and good != started
        yield _order(row["supply_order"], row, names, good if loses else None)


def _planned_orders(plan: Plan, names: Names, text: str) -> Iterator[SearchResult]:
    """Planned orders whose number contains a text; open ones are in the tables."""
    number = pl.col("number").str.to_lowercase()
    rows = plan.supplies.filter(
        pl.col("status") == "planned", number.str.contains(text, literal=True)
    )
    for row in rows.iter_rows(named=True):
        yield _order(row["number"], row, names)


def _order(
    number: str, row: Mapping[str, Any], names: Names, good: float | None = None
) -> SearchResult:
    what = quantity(row["qty"], names.unit(row["product"]))
    if good is not None:
        what = say("started_and_good", what, quantity(good))
    return SearchResult(
        kind=say("order"),
        title=number,
        detail=f"{row['kind']} · {what} {names.name(row['product'])} · "
        f"{str(row['status']).replace('_', ' ')}",
        address=order_link(number),
    )


def _demands(snapshot: Snapshot, names: Names) -> Iterator[SearchResult]:
    for row in snapshot["demands"].iter_rows(named=True):
        place, who = row["location"], names.name(row["customer"])
        due = when(row["due"], names.zone_of(place), year=True, ends=True)
        title = names.name(row["demand"])
        own = "" if title == row["demand"] else f"{row['demand']} · "
        yield SearchResult(
            kind="Demand",
            title=title,
            detail=f"{own}{quantity(row['qty'], names.unit(row['product']))} "
            f"{names.name(row['product'])} · {who} · due {due}",
            address=demand_link(row["demand"]),
        )


def _partners(snapshot: Snapshot, names: Names) -> Iterator[SearchResult]:
    """Customers lead to what is promised to them, the others to their page."""
    for one in snapshot["customers"]["customer"]:
        title = names.name(one)
        yield SearchResult(
            kind="Customer", title=title, detail=one, address=customer_link(one)
        )
    for one in snapshot["suppliers"]["supplier"]:
        title = names.name(one)
        yield SearchResult(
            kind="Supplier", title=title, detail=one, address=supplier_link(one)
        )
    for one in snapshot["resources"]["resource"]:
        title = names.name(one)
        yield SearchResult(
            kind="Resource", title=title, detail=one, address=resource_link(one)
        )


def search_hits(text: str, asked: Mapping[str, str]) -> list[dict[str, Any]]:
    """First results of a text, as a search box lists them while somebody types.

    Where there are more, or none, the last one leads to the page of all results.

    Parameters
    ----------
    asked
        Tables, moments and scenario that the address states.
    """
    data = _data(asked)
    if data.snapshot is None or data.problem is not None:
        return []
    found = search_results(data.snapshot, data.names, text, plan_at_hand(data))
    before: Counter[str] = Counter()
    turns = []
    for one in found:
        exact = is_exact(one, text)
        turns.append((not exact, before[one.kind] // _FROM_A_KIND))
        before[one.kind] += 1
    listed = sorted(range(len(found)), key=turns.__getitem__)[:MOST_HITS]
    hits = [{**asdict(found[at]), "exact": not turns[at][0]} for at in listed]
    if len(found) == len(listed) > 0:
        return hits
    told = (
        say("all_results", len(found))
        if found
        else say("nothing_matches", text.strip())
    )
    address = f"/search?{urlencode({'q': text})}"
    rest = SearchResult(kind="", title=told, detail="", address=address)
    return [*hits, {**asdict(rest), "exact": False}]


NO_CHOICES: Mapping[str, str] = MappingProxyType({})


def _data(asked: Mapping[str, str]) -> PageData:
    """Data of the tables, moments and scenario that an address states."""
    return load_data(
        name=asked.get("tables"),
        known_at=asked.get("known_at"),
        effective_at=asked.get("effective_at"),
        scenario=asked.get(SCENARIO),
    )


def object_name(text: str, asked: Mapping[str, str] = NO_CHOICES) -> str:
    """Name of what an address shows: an item, a demand, an order, a supplier.

    Parameters
    ----------
    asked
        Tables, moments and scenario that the address states.
    """
    names = _data(asked).names
    return names.texts.get(text) or names.place(text)


def search_html(text: str, asked: Mapping[str, str] = NO_CHOICES) -> str:
    """Page with the results of a text over the data that is served.

    Parameters
    ----------
    asked
        Tables, moments and scenario that the address states.
    """
    data = _data(asked)
    if data.snapshot is None or data.problem is not None:
        told = data.problem.text if data.problem else ""
        body = empty(say("no_data_to_search"), told)
    elif not text.strip():
        body = empty(say("search"), say("enter_search"))
    else:
        plan = plan_at_hand(data)
        found = search_results(data.snapshot, data.names, text, plan)
        body = _results_html(found, text)
    title = header(say("search"), facts_of(data, asked.get("known_at", "")))
    body = f"{navigation_html(asked=text)}<main>{title}{body}</main>"
    head = ICON + FRAMED_SCRIPT
    return document("Medhavi: search", body, rules=_RULES, head=head)


_RULES = """
html{background:var(--mv-page)}
body.mv{margin:0 auto;padding:24px;max-width:1200px;display:grid;gap:24px}
main{display:grid;gap:12px}
"""


def _results_html(results: list[SearchResult], text: str) -> str:
    if not results:
        return empty(say("nothing_matches", text), say("try_a_part"))
    rows = [
        (
            f'<a href="{escape(result.address)}">{escape(result.title)}</a>',
            result.kind,
            escape(result.detail),
        )
        for result in results[:MOST_RESULTS]
    ]
    found = f'<p class="mv-finding">{count(len(results), "result")} for “{escape(text)}”</p>'
    columns, more = (
        (say("column_name"), say("kind"), say("column_details")),
        len(results) - len(rows),
    )
    return found + table_html(columns, rows, more=more)


OBJECTS: Mapping[str, Callable[..., str]] = {
    "/item/{product}/{location}": item_link,
    "/order/{order}": order_link,
    "/demand/{demand}": demand_link,
    "/resource/{resource}": resource_link,
    "/customer/{customer}": customer_link,
    "/supplier/{supplier}": supplier_link,
}
"""Address of each kind of object, and what makes that of its page from the parts."""


def object_routes() -> list[Route]:
    """Routes of objects: a browser is led to the page, the shell is told its address.

    So the shell shows it without being loaded again, at the moment and with the
    scenario that are chosen.
    """
    from starlette.responses import JSONResponse, RedirectResponse
    from starlette.routing import Route

    def leading(
        link: Callable[..., str],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def lead(request: Request) -> Response:
            address = link(**request.path_params)
            if request.headers.get("accept") == "application/json":
                return JSONResponse({"address": address})
            return RedirectResponse(f"/#{address}")

        return lead

    return [Route(path, leading(link)) for path, link in OBJECTS.items()]
