"""Goods and their sources as the compact walk reads them, each looked up once.

What a good is on, what makes or sells it and what goes into it do not change while a
book is asked; what is free of it does. So the ledgers themselves are kept here, and
what the providers say about the rest. Anything that is not plain is `None`: whoever
meets it leaves the request to the full walk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.providers.material.line import MaterialLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.promising.supply_search.lead_draws import LeadDraws
    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.providers.finite_capacity.bucket_ledger import BucketLedger
    from medhavi.providers.finite_capacity.chain import FiniteChain
    from medhavi.providers.finite_capacity.resource_ledger import Ledger
    from medhavi.providers.material.recipe_lines import Component, Output
    from medhavi.providers.sources import Source
    from medhavi.providers.timing import Timing


class CompactGood:
    """A product at a place.

    Parameters
    ----------
    supply
        Where its components are found.
    product, location
        What it is.

    Attributes
    ----------
    line
        What is free over time; None: lots or traits decide what is.
    withholds
        Whether the line keeps safety stock back.
    blocked
        Whether no policy may use that.
    refused
        Whether it asked for more than the compact walk does when it was wanted.
    """

    __slots__ = (
        "_known",
        "_sources",
        "_supply",
        "blocked",
        "line",
        "location",
        "product",
        "refused",
        "withholds",
    )

    def __init__(self, supply: CompactSupply, product: str, location: str) -> None:
        stages = supply.stages
        stages.at = "material"
        self._supply = supply
        self.product = product
        self.location = location
        found = stages.material.line(product, location)
        plain = type(found) is MaterialLine and not stages.perishable(product)
        self.line = found if plain else None
        self.withholds = found.withholds
        self.blocked = stages.blocked_safety(product, location)
        self.refused = False
        self._known = False
        self._sources: tuple[CompactSource, ...] | None = None

    @property
    def sources(self) -> tuple[CompactSource, ...] | None:
        """Its sources by preference; None: one of them is not plain."""
        if not self._known:
            self._sources = self._supply.sources_of(self)
            self._known = True
        return self._sources

    @property
    def complete(self) -> bool:
        """Whether its sources were looked up."""
        return self._known

    def known(self, source: Source) -> CompactSource | None:
        """What is kept of one of its sources; None: it is not plain."""
        for one in self.sources or ():
            if one.source is source:
                return one
        return None


class CompactSource:
    """A source that makes or sells a good.

    Parameters
    ----------
    good
        What it gives.
    source
        Where from.
    start
        First instant at which it may begin something new [s].
    """

    __slots__ = (
        "_drawn",
        "_timing",
        "chain",
        "good",
        "is_buy",
        "lines",
        "lots",
        "output",
        "source",
        "start",
    )

    def __init__(self, good: CompactGood, source: Source, start: int) -> None:
        self.good = good
        self.source = source
        self.start = start
        self.is_buy = source.kind == "buy"
        plain = source.min_lot <= 1 and source.multiple == 1 and source.max_lot is None
        self.lots = not plain
        """Whether an order is of another size than what is needed."""
        self._drawn: LeadDraws | None = None
        self._timing: Timing | None = None
        self.chain: FiniteChain | None = None
        """Its steps where they are a chain at whose end its goods are there."""
        self.output: Output | None = None
        self.lines: tuple[Component, ...] = ()

    def size(self, wanted: int) -> int:
        """Size of the first order for a quantity [steps of the source]."""
        return self.source.pieces(wanted)[0] if self.lots else wanted

    def purchase(self, stages: Stages, steps: int) -> Timing | None:
        """When an order of so many steps is there; suppliers have no limit.

        How long it takes does not depend on its size, so one answer serves all that
        ask at the same level.
        """
        leads = stages.leads
        if self._timing is None or self._drawn is not leads:
            self._timing = stages.purchase(self.source, self.start, steps)
            self._drawn = leads
        return self._timing


class CompactSupply:
    """All goods of one set of providers that were asked for.

    Parameters
    ----------
    stages
        Providers with their ledgers.
    now
        Nothing begins before it [s].
    before
        Goods of tables of which few rows differ, on the same ledgers.
    """

    __slots__ = ("_before", "_goods", "now", "stages")

    def __init__(
        self, stages: Stages, now: int, before: CompactSupply | None = None
    ) -> None:
        self.stages = stages
        self.now = now
        self._before = before
        self._goods: dict[tuple[str, str], CompactGood] = {}

    def good(self, product: str, location: str) -> CompactGood:
        """Product at a place."""
        node = (product, location)
        known = self._goods.get(node)
        if known is None:
            known = self._shared(node) or CompactGood(self, product, location)
            self._goods[node] = known
        return known

    def _shared(self, node: tuple[str, str]) -> CompactGood | None:
        """Good whose sources were looked up before and are the same still."""
        before = self._before
        known = None if before is None else before._goods.get(node)  # noqa: SLF001
        if before is None or known is None or not known.complete:
            return None
        sourcing = self.stages.providers.sourcing.of_node(*node)
        same = sourcing is before.stages.providers.sourcing.of_node(*node)
        return known if same else None

    def machines(
        self, goods: Iterable[CompactGood]
    ) -> set[Ledger | BucketLedger] | None:
        """All machines that goods may need; None: they may be any.

        None, too, where a source of a good or of what goes into it is not plain.
        """
        waiting = list(goods)
        met = set(waiting)
        found: set[Ledger | BucketLedger] = set()
        while waiting:
            sources = waiting.pop().sources
            if sources is None:
                return None
            for source in sources:
                if not source.is_buy and source.chain is None:
                    return None
                steps = () if source.chain is None else source.chain.steps
                found.update(
                    ledger
                    for step in steps
                    for option in step.options
                    for ledger, _ in option.tracks
                )
                parts = [self.good(one.component, one.location) for one in source.lines]
                waiting += [one for one in parts if one not in met]
                met.update(parts)
        return found

    def sources_of(self, good: CompactGood) -> tuple[CompactSource, ...] | None:
        """Look up what makes and sells a good; None: not all of it is plain."""
        found = []
        for source in self.stages.sources(good.product, good.location):
            start = source.first_start(self.now)
            if source.kind == "move" or start is None:
                return None
            if source.kind == "buy" and self.stages.limits(source):
                return None  # another order may take what there is
            made = CompactSource(good, source, start)
            if source.kind == "make" and not self._compile(made):
                return None
            found.append(made)
        return tuple(found)

    def _compile(self, made: CompactSource) -> bool:
        """Look up recipe and steps of what is made; False: they are not plain."""
        stages, source = self.stages, made.source
        recipe = stages.recipe(source.source)
        gain = recipe.gain(source.product, source.location)
        if gain is None or len(gain.outputs) != 1 or not gain.outputs[0].numerator:
            return False
        output = gain.outputs[0]
        at_end = output.step is None and output.anchor == "end"
        needed: list[Component] = []
        for group in recipe.groups:
            lines = [one for one in group if one.valid_at(made.start)]
            if len(lines) > 1 or not all(line.at_first for line in lines):
                return False
            needed += lines
        made.output, made.lines = output, tuple(needed)
        if at_end and not output.offset_minutes:
            made.chain = stages.capacity.plain_chain(source.source)
        return True


def compact_supply(stages: Stages, now: int) -> CompactSupply:
    """Goods of providers, kept with them."""
    known: CompactSupply | None = stages.compact
    if known is None or known.now != now or known.stages is not stages:
        alike = known is not None and known.now == now and _alike(known.stages, stages)
        known = stages.compact = CompactSupply(stages, now, known if alike else None)
    return known


def _alike(one: Stages, other: Stages) -> bool:
    """Whether goods differ in nothing but what their sources are."""
    return (
        one.material is other.material
        and one.capacity is other.capacity
        and one.providers.recipes is other.providers.recipes
    )
