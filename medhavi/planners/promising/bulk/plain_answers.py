"""The answers to plain lines: what the kernels found, as promises with their holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.kernels.promise_kernels.risk_record import POINTS
from medhavi.planners.kernels.promise_kernels.supply_record import (
    B_CASH,
    B_CO2,
    B_HOLDING,
    B_LATENESS,
    B_MATERIAL,
    B_PRODUCTION,
    B_TRANSPORT,
    BUY,
    F_BY_DATE,
    F_DATE,
    F_GREEDY,
    F_LEGS,
    F_NODES,
    F_ON_TIME,
    F_P50,
    F_P80,
    F_P95,
    F_ROUGH,
    F_SHIPMENTS,
    F_TRACE,
    H_ARRIVAL,
    H_LEG,
    H_LEG_END,
    H_STEPS,
    LYING,
    MAKE,
    N_GOOD,
    N_INSTANT,
    N_KIND,
    N_PLACE,
    N_READY,
    N_SIZE,
    N_SOURCE,
    N_STEPS,
    N_SURPLUS,
    N_TAKER,
    W_ARRIVAL,
    W_EDGE,
    W_LEAVES,
)
from medhavi.planners.promising.arrival_risk.arrival_risk import CHANCE_DIGITS
from medhavi.planners.promising.explain.answering import basis_of, known_basis
from medhavi.planners.promising.ledger.holding import named_holds
from medhavi.providers.finite_capacity.resource_ledger import Block
from medhavi.results.promises.promise import (
    UNCONFIRMED,
    PlannedPurchase,
    Promise,
    PromiseCost,
    PromisedDelivery,
    PromiseStatus,
)
from medhavi.units import MINUTE, from_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.kernels.promise_kernels.supply_record import Line
    from medhavi.planners.promising.integer_model.flat_supply import FlatSupply
    from medhavi.planners.promising.integer_model.lane_rows import LaneRows, Ways
    from medhavi.planners.promising.ledger.book import Book
    from medhavi.planners.promising.ledger.holding import Wish
    from medhavi.planners.promising.requests.asking import Request
    from medhavi.planners.promising.requests.rules_of_promise import Policy
    from medhavi.planners.promising.supply_search.stages import Bought
    from medhavi.providers.finite_capacity.bucket_ledger import BucketLedger
    from medhavi.providers.finite_capacity.occupancy import Use
    from medhavi.providers.finite_capacity.resource_ledger import Ledger
    from medhavi.providers.lead_times.lead_times import Quantiles

    Rows = list[list[int]]


class Used(NamedTuple):
    """What a promise takes beside its holds.

    Parameters
    ----------
    stock
        Numbers of goods, steps and instants [s].
    work
        What its steps hold.
    bought
        What suppliers deliver.
    """

    stock: list[tuple[int, int, int]]
    work: list[Use]
    bought: tuple[Bought, ...]


class Work(NamedTuple):
    """What an option of a step holds.

    Parameters
    ----------
    need, sequenced
        Millionths of its units, and whether families follow each other.
    """

    resource: str
    units: float
    family: str | None
    ledger: Ledger | BucketLedger | None
    need: int
    sequenced: bool


class PlainAnswers:
    """Makes promises of what was found in numbers.

    Parameters
    ----------
    book
        Who asks for what.
    flat, lanes
        Goods, machines and lanes by number.
    """

    def __init__(self, book: Book, flat: FlatSupply, lanes: LaneRows) -> None:
        self._book = book
        self._flat = flat
        self._lanes = lanes
        self._needs = book.stages.capacity.occupancy.need
        self._works: dict[int, Work] = {}
        """What options hold, by number."""
        self._currency = book.snapshot.settings.base_currency

    def promised(
        self,
        request: Request,
        policy: Policy,
        named: tuple[str, str],
        line: Line,
        ways: Ways,
        times: Sequence[Quantiles],
    ) -> tuple[Promise, Used]:
        """Answer with its holds, and what else it takes.

        Parameters
        ----------
        named
            The option, and where it starts.
        line
            What was found.
        ways
            The lanes there.
        times
            What of it is uncertain.
        """
        book, found = self._book, line.found.tolist()
        date, step = found[F_DATE], book.stages.step(request.product)
        late = date > request.due
        nodes = line.nodes[: found[F_NODES]].tolist()
        trace = line.trace[: found[F_TRACE]].tolist()
        shipments = line.shipments[: found[F_SHIPMENTS]].tolist()
        legs = line.legs[: found[F_LEGS]].tolist()
        work, uses = self._work(nodes, trace, request.demand)
        material, stock = self._stock(nodes, request.product)
        quantities = [from_steps(one[H_STEPS], step) for one in shipments]
        weight = book.providers.facts.weight_kg(request.product)
        wishes = {
            "capacity": work,
            "material": material,
            "transport": self._freight(
                shipments, legs, [weight * qty for qty in quantities], ways
            ),
        }
        holds = named_holds(wishes, request, book.now + policy.hold_seconds)
        purchases, bought = self._purchases(nodes)
        risk, stated = policy.risk_basis, book.times.stated
        basis = basis_of(times, risk)
        if any(stated(source) for source, _, _ in bought):
            basis = known_basis(UNCONFIRMED, risk)
        bill = line.bill.tolist()
        by_due, by_date = (
            found[place] / (2 * POINTS) for place in (F_ON_TIME, F_BY_DATE)
        )
        if len(times) == 1:
            by_due, by_date = (
                round(chance, CHANCE_DIGITS) for chance in (by_due, by_date)
            )
        option, origin = named
        promise = Promise(
            request=request.position,
            status=PromiseStatus.PROMISED_LATE if late else PromiseStatus.PROMISED,
            date=date,
            date_p50=found[F_P50],
            date_p80=found[F_P80],
            date_p95=found[F_P95],
            on_time_prob=by_due,
            date_prob=by_date,
            deliveries=tuple(
                [
                    PromisedDelivery(
                        qty=qty,
                        date=one[H_ARRIVAL],
                        product=request.product,
                        origin=origin,
                    )
                    for qty, one in zip(quantities, shipments, strict=True)
                ]
            ),
            sales_order=request.sales_order,
            line=request.line,
            origin=origin,
            option=option,
            cost=PromiseCost(
                material=bill[B_MATERIAL],
                production=bill[B_PRODUCTION],
                transport=bill[B_TRANSPORT],
                holding=bill[B_HOLDING],
                lateness=bill[B_LATENESS],
                cash_out=bill[B_CASH],
                currency=self._currency,
            ),
            co2_kg=bill[B_CO2],
            reservations=tuple([hold.reservation for hold in holds]),
            exact=not (found[F_GREEDY] or (found[F_ROUGH] and late)),
            basis=basis,
            known_at=book.now,
            holds=holds,
            purchases=purchases,
            demand={**request.cells, "demand": request.demand, "due": request.due},
        )
        return promise, Used(stock, uses, bought)

    def _work(
        self, nodes: Rows, trace: list[int], demand: str
    ) -> tuple[list[Wish], list[Use]]:
        """Hold machines from start to end of each step: as wishes, and as blocks."""
        flat, stages = self._flat, self._book.stages
        wishes: list[Wish] = []
        uses: list[Use] = []
        for node in nodes:
            if node[N_KIND] != MAKE:
                continue
            made = flat.sources[node[N_SOURCE]]
            steps = () if made.chain is None else made.chain.steps
            product = made.source.product
            good = from_steps(node[N_STEPS] + node[N_SURPLUS], stages.step(product))
            counted: set[tuple[str, str | None]] = set()
            place = node[N_PLACE]
            for _ in steps:
                option, start, finish = trace[place : place + 3]
                place += 3
                if start >= finish:
                    continue
                known = self._works.get(option) or self._option(option)
                resource, units, family, ledger, need, sequenced = known
                minutes = units * (finish - start) / MINUTE
                key = resource, family
                whole = 0.0 if key in counted else good
                counted.add(key)
                told = (0, False, 0, family, 0, product, whole)
                wishes.append((start, resource, finish, None, minutes, told))
                again = minutes * MINUTE / (finish - start)
                if again != units:
                    # What is held is what a hold says, to the last bit.
                    ledger, need, sequenced = self._needs((resource, again))
                if ledger is not None:
                    named = family if sequenced else None
                    uses.append((ledger, Block(start, finish, need, demand, named)))
        return wishes, uses

    def _option(self, number: int) -> Work:
        """Look up what an option holds."""
        step, option = self._flat.options[number]
        ((resource, units),) = option.resources
        need = self._needs((resource, units))
        known = self._works[number] = Work(resource, units, step.family, *need)
        return known

    def _stock(
        self, nodes: Rows, product: str
    ) -> tuple[list[Wish], list[tuple[int, int, int]]]:
        """Hold what lies there, but for what an order beside it leaves over."""
        flat, stages = self._flat, self._book.stages
        over = {
            (node[N_GOOD], node[N_TAKER]): node[N_SURPLUS]
            for node in nodes
            if node[N_SURPLUS] and node[N_READY] <= node[N_INSTANT]
        }
        found: list[tuple[Wish, tuple[int, int, int]]] = []
        for node in nodes:
            if node[N_KIND] != LYING:
                continue
            number, instant = node[N_GOOD], node[N_INSTANT]
            steps = node[N_STEPS] - over.get((number, node[N_TAKER]), 0)
            if steps <= 0:
                continue
            good = flat.good(number)
            qty = from_steps(steps, stages.step(good.product))
            told = steps, good.product == product, instant
            wish = instant, good.product, instant, good.location, qty, told
            found.append((wish, (number, steps, instant)))
        # By start, product and place, as the holds will stand.
        found.sort(key=lambda one: (one[0][0], one[0][1], one[0][3]))
        return [wish for wish, _ in found], [taken for _, taken in found]

    def _freight(
        self, shipments: Rows, legs: Rows, weights: list[float], ways: Ways
    ) -> list[Wish]:
        """Hold the departures of all shipments; `weights` are theirs [kg]."""
        leaves = self._lanes.lanes.leaves
        wishes: list[Wish] = []
        for one, weight in zip(shipments, weights, strict=True):
            for leg in legs[one[H_LEG] : one[H_LEG_END]]:
                departure = int(leaves[leg[W_LEAVES]])
                there = max(leg[W_ARRIVAL], departure + 1)
                lane = ways.edges[leg[W_EDGE]].lane
                wishes.append((departure, lane, there, None, weight, ()))
        return wishes

    def _purchases(
        self, nodes: Rows
    ) -> tuple[tuple[PlannedPurchase, ...], tuple[Bought, ...]]:
        """What suppliers would have to deliver."""
        found, bought = [], []
        for node in nodes:
            if node[N_KIND] != BUY:
                continue
            source = self._flat.sources[node[N_SOURCE]].source
            size, usable = node[N_SIZE], node[N_READY]
            bought.append((source, size, usable))
            found.append(
                PlannedPurchase(
                    supplier=source.source,
                    product=source.product,
                    location=source.location,
                    steps=size,
                    usable=usable,
                )
            )
        return tuple(found), tuple(bought)
