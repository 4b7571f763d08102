"""Place the orders of a netting: in a sequence, at the dates of the providers.

Forward, in that sequence, each order is placed as early as its goods, its resources and
its source allow. Then, from the last to the first, each moves, or some of its steps do,
as late as those that take from it allow, so that nothing is made needlessly early.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.orders.jobs import Netted, jobs_of, restore, state_of
from medhavi.planners.constrained.placement.goods_in_time import (
    GoodsInTime,
    keep_alive,
    kept_alive,
    touched,
)
from medhavi.planners.constrained.placement.shop_floor import PlainMoves, is_plain_move
from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.providers.finite_capacity.free_slots import AT_ONCE
from medhavi.snapshot.network.network import by_precedence
from medhavi.units import ALWAYS, DAY, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from medhavi.planners.constrained.netting.order_dates import FeasibleOrderCreation
    from medhavi.planners.constrained.orders.jobs import Job, PriorPlacement, Wait
    from medhavi.planners.constrained.orders.lateness_weights import Line
    from medhavi.planners.constrained.placement.campaigning import Campaigning
    from medhavi.planners.constrained.placement.shop_floor import ShopFloor
    from medhavi.planners.mrp.netting_state.state import SupplyOrder, SupplyUnit
    from medhavi.providers.sources import OrderTiming


TRIES = 16
"""Closed time can move a use less than the start; then the start moves again."""


class PlacementState(NamedTuple):
    """A state of a placement: of its orders, of what they hold, and its sequence."""

    changes: int
    held: tuple[int, int]
    sequence: list[Job]
    campaigns: Campaigning | None


class OrderPlacement:
    """Places the orders of one netting.

    Parameters
    ----------
    release
        Register of the netting; dates of its orders, needs and units change.
    shop
        Answers when an order fits, and keeps what is occupied.
    early
        How much before its need work on a resource may begin, by its name [s].

    Attributes
    ----------
    outlived
        How much later than netted an order would take what has expired by then, by
        index of the order [s]; also of orders that take from such an order.
    crowded
        Existing orders that had to stay after others had taken their place, by name.
    make_campaigns
        Makes what keeps campaigns while all orders are placed; campaigns of the last
        time are `campaigns`.
    """

    def __init__(
        self, release: FeasibleOrderCreation, shop: ShopFloor, early: Mapping[str, int]
    ) -> None:
        self._shop = shop
        self._release = release
        self._in_time = GoodsInTime(release)
        self.jobs: list[Job] = jobs_of(release, early)
        self.sequence: list[Job] = []
        self.outlived: dict[int, int] = {}
        self.crowded: set[str] = set()
        self.campaigns: Campaigning | None = None
        self.make_campaigns: Callable[[], Campaigning | None] = _no_campaigns
        self._netted = Netted(release, self.jobs)
        self._existing = [job for job in self.jobs if job.order.existing is not None]
        self._anywhere = False
        self._moving_up = False
        self._marked = False
        self._changes: list[PriorPlacement] = []
        self._could_begin: dict[int, int] = {}
        self._moves = PlainMoves(shop, self._could_begin)
        self._dates: dict[int, int] = {}
        self._curbed: set[int] = set()
        self._shifts: dict[int, int] = {}
        self._matches: dict[int, list[int]] = {}

    def standing(self, stays: Collection[str] = ()) -> None:
        """Take note of what existing purchases and moves take of their limits.

        And of orders that exist and must stay, before others take what they hold.

        Parameters
        ----------
        stays
            Names of existing orders that have to stay as they are dated.
        """
        placed = {job.order.index for job in self.jobs}
        for order in self._release.orders:
            if order.index not in placed and order.units and order.kind != "make":
                self._shop.occupy(order, order.timing)
        for job in self._existing:
            if (
                job.lacking
                or job.order.existing in stays
                or self._shop.earliest(job.order, job.floor) is None
            ):
                self._stay(job)
        self._shifts = keep_alive(self.jobs)

    def keep_dates(self) -> None:
        """Keep the dates of all existing orders, which stay where one finds no room."""
        fits = True
        for job in self._existing:
            fits &= self._shop.earliest(job.order, job.order.timing.start) is not None
            self._stay(job)
        for job in self._existing:
            job.stays = not fits

    def forward(self) -> None:
        """Place all orders as early as they can be, in their first sequence.

        Existing ones that find no room any more keep theirs, and the others are placed
        anew around them; where there are campaigns, that is for the next round.
        """
        self.place_all(self._first_sequence())
        while self.crowded and self.campaigns is None:
            self._around()

    def _first_sequence(self) -> list[Job]:
        """Orders in the sequence in which they are placed first."""
        return self.by_urgency()

    def by_urgency(self) -> list[Job]:
        """Orders by their need and priority."""
        return in_sequence(self.jobs, urgency)

    def _around(self) -> None:
        """Place anew, around the orders that stay now, what they touch."""
        stays = [job for job in self._existing if job.order.existing in self.crowded]
        self.crowded.clear()
        for job in stays:
            self._could_begin.pop(job.number, None)
            self.outlived.pop(job.order.index, None)
        limited = kept_alive(stays, self._netted, self._shifts)
        anew = touched(self.sequence, stays, limited, self._shop.places)
        for job in reversed(anew):
            self._give_back(job)
            self._netted.restore(job)
        for job in anew:
            self._placed_early(job)
        self._stand()

    def place_all(self, wanted: Sequence[Job]) -> None:
        """Place all orders as early as they can be, in a sequence."""
        self.sequence = list(wanted)
        self.campaigns = self.make_campaigns()
        if self.campaigns is not None:
            self._in_campaigns(self.campaigns)
        else:
            self._all_forward()

    def _in_campaigns(self, campaigns: Campaigning) -> None:
        """Place all orders in campaigns; again without those that a rule refuses."""
        wanted = self.sequence
        while True:
            self.sequence = campaigns.arranged(wanted)
            self._all_forward()
            if not campaigns.broken():
                return
            self.clear()

    def _all_forward(self) -> None:
        for job in self.sequence:
            if job.stays or job.placed:
                continue
            self._placed_early(job)
            if self.campaigns is not None and job.order.existing and not job.placed:
                # What exists cannot be refused: it stands wherever there is room.
                self._anywhere = True
                self._placed_early(job)
                self._anywhere = False
        self._stand()

    def _stand(self) -> None:
        """Keep existing orders that found no room at their dates."""
        for job in self._existing:
            # What waits for itself in a circle is in no sequence.
            if job.order.existing is not None and not job.placed:
                self.crowded.add(job.order.existing)
                self._stay(job)

    def waits(self, job: Job) -> tuple[Wait, ...]:
        """What an order waited for beyond its goods; before anything moves back."""
        start = self._could_begin.get(job.number)
        if start is None:
            return ()
        return tuple(self._shop.waits(job.order, job.order.timing, start))

    def backward(self, lines: Iterable[Line]) -> None:
        """Move orders as late as the deliveries of the demands allow."""
        for line in lines:
            ahead = self._release.ahead.get(line.demand.index, ())
            self._dates.update(line.wanted(ahead))
        self._matches = self._by_unit()
        if self.campaigns is not None:
            self.campaigns.settled()
        asked: set[int] | None = None
        for _ in range(TRIES):
            self._curbed = set()
            moved = self._all_backward(asked)
            if not (self._curbed and moved):
                break
            # In campaigns whatever moves leaves room for its neighbours.
            asked = self._curbed if self.campaigns is None else None

    def _all_backward(self, asked: Collection[int] | None) -> set[int]:
        """Move orders back, and what brings something for one that moved.

        `asked` are the jobs that may move (None: all); gives those that did.
        """
        moved: set[int] = set()
        # Takers move first: how late others may be follows from them.
        for job in reversed(self.sequence):
            if not job.placed or job.stays:
                continue
            if (
                asked is None
                or job.number in asked
                or (moved and any(taker.number in moved for taker in job.after))
            ) and self._backward(job):
                moved.add(job.number)
        return moved

    def take_out_idle(self) -> None:
        """Take out new orders that only orders would take from which never fit.

        In campaigns they stay: what a rule asks of the others was found with them.
        """
        gone = set() if self.campaigns else self.unplaced()
        for job in reversed(self.sequence if gone else []):
            takers = [need.order for unit in job.order.units for need, _ in unit.takers]
            idle = bool(takers) and all(
                taker is not None and taker.index in gone for taker in takers
            )
            plain = self._release.model.node(job.order.node).rules.is_plain
            if idle and plain and job.placed and not job.order.existing:
                self.take_out(job)
                gone.add(job.order.index)

    def close(self) -> None:
        """Discard data that only placing needs: the next step takes its memory.

        Jobs and what is said of them stay; nothing is placed any more.
        """
        del self._shop, self._in_time, self._netted
        self._changes.clear()

    def dissolve(self) -> None:
        """Clear all references: jobs point at each other in circles."""
        for job in self.jobs:
            job.before.clear()
            job.after.clear()
            job.takes.clear()
            job.outs.clear()
        self.sequence.clear()
        self._changes.clear()
        self.make_campaigns = _no_campaigns

    @property
    def barred(self) -> dict[int, str]:
        """Orders that fit in no campaign, by index, and the rule that refuses them."""
        if self.campaigns is None:
            return {}
        found = self.campaigns.barred.items()
        return {index: rule.name for index, rule in found}

    def unplaced(self) -> set[int]:
        """List the orders that never fit, by index."""
        return {job.order.index for job in self.jobs if not job.placed}

    def _by_unit(self) -> dict[int, list[int]]:
        """List the matches of demands by unit."""
        found: dict[int, list[int]] = {}
        for match in self._dates:
            found.setdefault(self._release.match_unit[match], []).append(match)
        return found

    # --- trying out ----------------------------------------------------------------
    def mark(self) -> PlacementState:
        """Mark to undo to; changes are noted from the first one on."""
        self._marked = True
        held = self._shop.mark()
        return PlacementState(len(self._changes), held, self.sequence, self.campaigns)

    def undo(self, mark: PlacementState) -> None:
        """Take back all that was placed and taken out since a mark."""
        self._shop.undo(mark.held)
        while len(self._changes) > mark.changes:
            self._restore(self._changes.pop())
        self.sequence, self.campaigns = mark.sequence, mark.campaigns
        self.crowded.clear()

    def take_out(self, job: Job) -> None:
        """Take an order from its place; what takes from it must be out before."""
        self._give_back(job)
        self._put(job, self._netted.timings[job.number])

    def _give_back(self, job: Job) -> None:
        """Release what an order holds; its dates are the caller's."""
        self._note(job)
        if job.placed:
            self._shop.release(job.order, job.order.timing)
        self._could_begin.pop(job.number, None)
        self.outlived.pop(job.order.index, None)
        job.placed = False

    def clear(self) -> None:
        """Take all orders of the sequence out, those that stay apart."""
        for job in reversed(self.sequence):
            if not job.stays:
                self.take_out(job)

    def _note(self, job: Job) -> None:
        """Note how an order is, to undo what comes."""
        if self._marked:
            could_begin = self._could_begin.get(job.number)
            outlived = self.outlived.get(job.order.index)
            self._changes.append(state_of(job, could_begin, outlived))

    def _restore(self, before: PriorPlacement) -> None:
        job = before.job
        restore(before)
        for known, key, value in (
            (self._could_begin, job.number, before.could_begin),
            (self.outlived, job.order.index, before.outlived),
        ):
            known.pop(key, None)
            if value is not None:
                known[key] = value

    # --- forward -------------------------------------------------------------------
    def _stay(self, job: Job) -> None:
        """Keep the dates of an order."""
        self._note(job)
        self._shop.occupy(job.order, job.order.timing)
        job.placed = job.stays = True

    def _placed_early(self, job: Job) -> None:
        self._note(job)
        self._could_begin.pop(job.number, None)
        if job.lacking or self._misses(job):
            return
        order = job.order
        shop = self._shop
        if self.campaigns is not None:
            shop.slow(self.campaigns.efficiency(job))
        elif is_plain_move(job) and self._moves.early(job):
            return
        goods, ready = job.first_goods, self._ready(job)
        start = (
            max(job.floor, goods - shop.before_use(order))
            if goods > ALWAYS
            else job.floor
        )
        for _ in range(TRIES):
            timing = shop.earliest(order, start, ready)
            if timing is None:
                return
            begun = timing.ready if order.kind == "move" else timing.start
            lack = self._early(job, timing)
            if lack <= 0:
                if begun > start or timing.finish - start > self._span(order):
                    self._could_begin[job.number] = start
                shop.occupy(order, timing)
                self._put(job, timing)
                job.placed = True
                if self.campaigns is not None:
                    self.campaigns.placed(job, timing)
                return
            if lack < NEVER:
                start = max(start, begun) + lack
            elif not self._bring_later(job, timing):
                return

    def _bring_later(self, job: Job, timing: OrderTiming) -> bool:
        """Place later what would be dead when an order takes it; whether all was.

        In campaigns orders keep their turn; one that may move back needs goods there.
        """
        if self._in_time.dead(job, timing) <= 0:
            return False
        stays = self.campaigns is not None or self._moving_up
        if not stays and self._all_later(job, timing):
            return True
        # Placed sooner than netted it outlives nothing that was counted on.
        if (late := self._in_time.outlives(job, timing)) > 0:
            self.outlived[job.order.index] = late
        return False

    def _all_later(self, job: Job, timing: OrderTiming) -> bool:
        """Place later all that would be dead when an order takes it, or some of it."""
        for take in job.mortal:
            use = self._in_time.use(job, take.need, timing)
            for unit in take.units:
                if unit.expires >= use:
                    continue
                brings = [
                    one
                    for one in job.before
                    if one.order is unit.order and one.placed and not one.stays
                ]
                if not brings or not self._later(brings[0], unit, use):
                    return False
        return True

    def _later(self, job: Job, unit: SupplyUnit, use: int) -> bool:
        """Place an order so late that a unit of it lives until it is taken.

        It stays where it is if there is no such place, or others take from it before.
        """
        now = job.order.timing
        self._give_back(job)
        out = next(out for out in job.outs if out.unit is unit)
        opens, out.opens = out.opens, use - (unit.expires - unit.arrives)
        self._placed_early(job)
        out.opens = opens
        if job.placed and not self._fails_takers(job):
            return True
        if job.placed:
            self._give_back(job)
        self._put_back(job, now)
        return False

    def _fails_takers(self, job: Job) -> bool:
        """Whether some order, where it is, lacks something now: late goods, or dead."""
        return any(
            taker.placed and self._in_time.lack(taker, taker.order.timing) > 0
            for taker in job.after
        )

    def _put_back(self, job: Job, timing: OrderTiming) -> None:
        """Place an order where it was before it was given back."""
        self._shop.occupy(job.order, timing)
        self._put(job, timing)
        job.placed = True

    def _ready(self, job: Job) -> Mapping[int, int]:  # noqa: ARG002
        """When steps of an order may begin, by step; others with the one before."""
        return AT_ONCE

    def _misses(self, job: Job) -> bool:
        """Whether something that brings goods for a job never fits."""
        for other in job.before:
            if not other.placed:
                break
        else:
            return False
        waits = [self.outlived.get(other.order.index, 0) for other in job.before]
        if any(waits):
            self.outlived[job.order.index] = max(waits)
        return True

    def _early(self, job: Job, timing: OrderTiming) -> int:
        """Earliness of an order, its place in a campaign included."""
        lack = self._in_time.lack(job, timing)
        if lack > 0 or self.campaigns is None or self._anywhere:
            return lack
        return self.campaigns.lack(job, timing)

    def _span(self, order: SupplyOrder) -> int:
        """How long an order takes where nothing is in its way [s]."""
        timing = order.timing
        return timing.finish - min(timing.start, timing.ready)

    def _put(self, job: Job, timing: OrderTiming) -> None:
        """Write down where an order is now."""
        job.order.timing = timing
        uses = self._in_time.uses(job, timing)
        for take, use in zip(job.takes, uses, strict=True):
            take.need.instant = use
        for out in job.outs:
            unit, at = out.unit, self._in_time.falls_out(job, out, timing)
            if unit.expires < NEVER:
                unit.expires += at - unit.arrives
            unit.arrives = unit.available = at

    # --- backward ------------------------------------------------------------------
    def _backward(self, job: Job) -> bool:
        """Move an order as late as what takes from it allows; tell whether it moved."""
        order, now, limit = job.order, job.order.timing, self._limit(job)
        soft = limit - job.soft > now.finish
        if not soft and len(now.steps) < 2:
            return False
        # With less than its safety time it keeps its end; steps that wait start later.
        limit = limit if soft else now.finish
        shop = self._shop
        if self.campaigns is not None:
            shop.slow(self.campaigns.efficiency(job))
        elif is_plain_move(job):
            return self._moves.late(job, limit)
        # Its own place counts as free for itself.
        shop.release(order, now)
        later = shop.latest(order, limit, now.start, soft=soft)
        dead = 0 if later is None else self._in_time.dead(job, later)
        if dead > 0:
            # What it takes moves behind it; then it may move once more.
            self._curbed.add(job.number)
            later = shop.latest(order, limit - dead, now.start)
        behind = self._in_time.behind(job, later, self._matches, self._dates)
        if later is not None and behind > 0:
            later = shop.latest(order, later.finish - behind, now.start)
        if self.campaigns is not None:
            later = self.campaigns.in_row(shop, job, later, limit)
        if (
            later is None
            or not later.is_later(now)
            or self._in_time.lack(job, later) > 0
            or self._in_time.behind(job, later, self._matches, self._dates) > 0
        ):
            later = now
        shop.occupy(order, later)
        if later is not now and shop.owes(order, now):
            shop.release(order, later)
            shop.occupy(order, now)
            later = now
        if later is now:
            return False
        self._put(job, later)
        if self.campaigns is not None:
            self.campaigns.moved(job, later)
        return True

    def _limit(self, job: Job) -> int:
        """Until when an order may finish for all that take from it."""
        order, limit = job.order, NEVER
        finish = order.timing.finish
        for out in job.outs:
            unit = out.unit
            offset = unit.arrives - finish
            latest = limit + offset
            for need, _ in unit.takers:
                if need.instant < latest and need.demand == NO_DEMAND:
                    latest = need.instant
            for match in self._matches.get(unit.index, ()):
                latest = min(latest, self._dates[match])
            limit = latest - offset
        return self._by_level(order, limit)

    def _by_level(self, order: SupplyOrder, limit: int) -> int:
        """Until when an order may finish that those who take it want by a limit.

        What fills a stock level is missing there from the need on, whoever takes it.
        """
        bound = max(order.need, order.timing.finish)
        if limit > bound:
            rules = self._release.model.node(order.node).rules
            limit = limit if limit < NEVER and rules.is_plain else bound
        return limit


def _no_campaigns() -> None:
    """Make none."""


URGENT_DAYS = 10.0
"""By how much earlier a demand of the next priority comes first [days]."""


def urgency(order: SupplyOrder) -> float:
    """When an order is wanted, earlier the more important that is [UTC seconds]."""
    return order.need + URGENT_DAYS * DAY * (order.priority - 2)


def start_of(order: SupplyOrder) -> float:
    """When an order starts [UTC seconds]."""
    return order.timing.start


def in_sequence(jobs: Sequence[Job], key: Callable[[SupplyOrder], float]) -> list[Job]:
    """Sort orders by a key, then by number; what brings comes before what takes.

    Those that wait for each other in a circle are left out.
    """
    by_number = {job.number: job for job in jobs}
    before = {job.number: [one.number for one in job.before] for job in jobs}
    order = by_precedence(before, lambda number: key(by_number[number].order))
    return [by_number[number] for number in order]
