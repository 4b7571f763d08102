"""Net one node without special rules in a single loop over its needs (MRP-03, MRP-04).

Most nodes have one source that always serves, order lot for lot and hold no stock
level; what is there never expires and belongs to nobody. There the general walk asks
the same questions again for every need. This one asks them once. Whatever turns up that
is not plain ends it, and the general walk goes on from there: the results are the same.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.mrp.netting_state.order_creation import PEG_SOURCE
from medhavi.planners.mrp.netting_state.state import (
    BY_ARRIVAL,
    NO_DEMAND,
    Need,
    SupplyOrder,
    SupplyUnit,
)
from medhavi.units import ALWAYS, INT64_MAX, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import (
        Node,
        PegSource,
        SupplyAlternative,
    )
    from medhavi.providers.sources import Kind, OrderTiming, Source

    Line = tuple[int, int, int, Node]
    """Numerator, addend and denominator of a component, and its node."""


def _sequence(need: Need) -> tuple[int, int, int]:
    """What needs are served by; `attrgetter` takes longer on slots."""
    return need.instant, need.priority, need.index


def is_plain(node: Node) -> bool:
    """Whether a node has one source and no rules of its own."""
    rules = node.rules
    if (
        len(node.sources) != 1
        or rules.lot_rule != "lot_for_lot"
        or rules.unlimited
        or node.make_to_order
        or node.shelf_life is not None
        or node.substitutes
        or not rules.is_plain
    ):
        return False
    source = node.sources[0]
    if (
        source.share is not None
        or source.max_lot is not None
        or source.batch_window_days
    ):
        return False
    for unit in node.units:
        if not _has_no_owner(unit):
            return False
    # What some ask for is kept for them; all() takes twice as long.
    for need in node.needs if node.units else ():  # noqa: SIM110
        if need.asks is not None:
            return False
    return True


def _has_no_owner(unit: SupplyUnit) -> bool:
    """Whether any need may take a unit, at any time."""
    return unit.expires == NEVER and unit.customer is None and unit.only_need is None


def _gives_one_product(way: SupplyAlternative, node: Node) -> bool:
    """Whether an order brings the node's product, all at its end, and no other."""
    if way.gain is None:
        return way.recipe is None
    if way.provides or len(way.yields) != 1 or len(way.gain.outputs) != 1:
        return False
    made = way.yields[0]
    output = way.gain.outputs[0]
    return (
        made.node is node and made.plain and not way.gain.dated and output.numerator > 0
    )


class _Lots(NamedTuple):
    """How orders of a plain source are sized and dated; quantities in units.

    An order of n units brings (n * numerator + addend) / denominator of the product.
    """

    latest: Callable[[int, int], OrderTiming | None]
    least: int
    multiple: int
    numerator: int
    addend: int
    denominator: int


class _SourceOrders(NamedTuple):
    """What all orders of a plain source have in common.

    `lines` are None where components are not all simply taken at the start.
    """

    way: SupplyAlternative
    source: Source
    kind: Kind
    name: str
    peg_source: PegSource
    lines: list[Line] | None


class PlainNodeNetting:
    """One plain node on its way through time.

    Parameters
    ----------
    node
        Its needs must all be known.
    floor
        First instant at which an order may start [UTC seconds].

    Attributes
    ----------
    surplus
        New supply of which something was left over, in order of making.
    """

    __slots__ = (
        "_arrived",
        "_floor",
        "_most",
        "_node",
        "_pending",
        "_release",
        "_terms",
        "_way",
        "surplus",
    )

    def __init__(self, node: Node, release: OrderCreation, floor: int = ALWAYS) -> None:
        self._node = node
        self._release = release
        self._floor = floor
        self._way: SupplyAlternative | None = None
        self._terms: tuple[_Lots, _SourceOrders] | None = None
        self._most: int | None = None
        """Largest order [units]; None: any."""
        self._arrived: deque[SupplyUnit] = deque()
        self._pending: list[SupplyUnit] = []
        """What arrives after the need of the moment, the last first."""
        self.surplus: list[SupplyUnit] = []

    def _opened(self) -> tuple[_Lots, _SourceOrders] | None:
        """Look the source up, at the first order; None: it is not plain."""
        way = self._release.model.ways(self._node)[0]
        if not self._opens(way):
            return None
        self._way, source, numbers = way, way.source, (1, 0, 1)
        if way.gain is not None:
            made = way.gain.outputs[0]
            numbers = made.numerator, made.addend, made.denominator
        kind, least = source.kind, max(1, source.min_lot)
        lots = _Lots(source.clock.latest, least, source.multiple, *numbers)
        making = _SourceOrders(
            way, source, kind, source.source, PEG_SOURCE[kind], _lines(way)
        )
        self._terms = lots, making
        return self._terms

    def _opens(self, way: SupplyAlternative) -> bool:
        """Whether all orders of a source are plain, whatever their dates."""
        return way.always and _gives_one_product(way, self._node)

    def walk(self) -> bool:
        """Serve all needs in sequence; False: something is not plain from here on.

        Every need before that instant is served whole.
        """
        pending = [unit for unit in self._node.units if unit.free > 0]
        pending.sort(key=BY_ARRIVAL, reverse=True)
        self._pending, arrived = pending, self._arrived
        short: list[Need] = []
        before = None
        for need in sorted(self._node.needs, key=_sequence):
            if need.open <= 0:
                continue
            if need.alternatives or need.asks is not None or need.only_from is not None:
                return False
            instant = need.instant
            # All that an instant lacks is one order, so it is made when the next
            # instant comes.
            if instant != before:
                if short and not self._order(short):
                    return False
                short = []
                before = instant
                while pending and pending[-1].available <= instant:
                    arrived.append(pending.pop())
            while arrived and need.open > 0:
                unit = arrived[0]
                self._match(need, unit)
                if unit.free == 0:
                    arrived.popleft()
            if need.open > 0:
                short.append(need)
        return not short or self._order(short)

    def _match(self, need: Need, unit: SupplyUnit) -> None:
        """Peg a need to a unit, as `NettingState.match` does."""
        taken = unit.free
        if need.open < taken:  # noqa: PLR1730 - min() takes four times as long
            taken = need.open
        need.open -= taken
        unit.free -= taken
        unit.takers.append((need, taken))
        carrier = unit.order
        if carrier is not None and carrier.carried is not None:
            carried = carrier.carried
            carried.alive_until = max(
                carried.alive_until, need.instant, need.alive_until
            )
        release = self._release
        release.match_need.append(need.index)
        release.match_unit.append(unit.index)
        release.match_qty.append(taken)

    def _order(self, short: Sequence[Need]) -> bool:
        """Order what needs of one instant lack; False: its source is not plain here."""
        terms = self._terms or self._opened()
        if terms is None:
            return False
        (latest, size, multiple, numerator, addend, denominator), making = terms
        instant, missing = short[0].instant, short[0].open
        if len(short) > 1:
            missing = sum([need.open for need in short])
        wanted = -(-(missing * denominator - addend) // numerator)
        if wanted > size:  # noqa: PLR1730 - max() takes four times as long
            size = wanted
        if multiple > 1:
            size = -(-size // multiple) * multiple
        if self._most is not None and size > self._most:
            return False
        timing = latest(instant, size)
        # Nothing is made or matched yet: the general walk finds these needs open.
        if timing is None or timing.finish > instant or timing.start < self._floor:
            return False
        qty = (size * numerator + addend) // denominator
        if qty > INT64_MAX:
            return False
        self._release.asked.append((self._node, instant, missing))
        unit = self._made(making, short, size, qty, timing)
        if unit.free > 0:
            self._arrived.append(unit)
            self.surplus.append(unit)
        return True

    def _made(
        self,
        making: _SourceOrders,
        short: Sequence[Need],
        size: int,
        qty: int,
        timing: OrderTiming,
    ) -> SupplyUnit:
        """Register an order for needs of one instant; they take all they lack."""
        release, node, first = self._release, self._node, short[0]
        way, source, kind, name, peg_source, lines = making
        instant, priority = first.instant, first.priority
        alive_until = first.alive_until
        if len(short) > 1:
            priority = min([need.priority for need in short])
            alive_until = max([need.alive_until for need in short])
        order = SupplyOrder(
            len(release.orders),
            kind,
            node.key,
            source,
            name,
            size,
            qty,
            timing,
            instant,
            release.cause_of(first),
            "lot_for_lot",
            priority,
        )
        order.recipe = way.recipe
        order.alive_until = alive_until
        release.orders.append(order)
        index = len(release.units)
        unit = SupplyUnit(
            index, node, qty, qty, instant, timing.finish, peg_source, order
        )
        release.units.append(unit)
        order.units = [unit]
        if lines is None:
            release.explode(order, way)
        else:
            self._explode(order, lines)
        self._give(unit, short)
        return unit

    def _give(self, unit: SupplyUnit, short: Sequence[Need]) -> None:
        """Supply all that needs lack from the unit made for them."""
        release, order, index = self._release, unit.order, unit.index
        for need in short:
            taken = need.open
            need.open = 0
            unit.free -= taken
            unit.takers.append((need, taken))
            release.match_need.append(need.index)
            release.match_unit.append(index)
            release.match_qty.append(taken)
        if order is not None and order.carried is not None:
            _keep_alive(order.carried, short)

    def _explode(self, order: SupplyOrder, lines: list[Line]) -> None:
        """Register the needs of an order, as `OrderCreation.explode` does."""
        release, timing = self._release, order.timing
        begin = timing.steps[0].start if timing.steps else timing.start
        needs, units, priority = release.needs, order.steps, order.priority
        for numerator, addend, denominator, node in lines:
            qty = -(-(units * numerator + addend) // denominator)
            if 0 < qty <= INT64_MAX:
                need = Need(
                    len(needs), node, begin, qty, qty, priority, NO_DEMAND, order
                )
                needs.append(need)
                node.needs.append(need)
            elif qty > 0:
                release.need(node, begin, qty, priority, order=order)


def _keep_alive(carried: Need, takers: Sequence[Need]) -> None:
    """Extend the life of a carried need to that of its takers."""
    for need in takers:
        lasting = max(need.instant, need.alive_until)
        carried.alive_until = max(carried.alive_until, lasting)


def _lines(way: SupplyAlternative) -> list[Line] | None:
    """List the components of a way; None: not all are simply taken at its start."""
    if way.origin is not None:
        return None
    found: list[Line] = []
    for group in way.intakes:
        (component, node, plain), *rivals = group
        if rivals or not plain:
            return None
        line = component.numerator, component.addend, component.denominator, node
        found.append(line)
    return found
