"""What a promise is made of: instants, units, domain, names of figures."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from medhavi import schema
from medhavi.events.event_types.decision_types import ReservationExpired
from medhavi.findings import BadData
from medhavi.results.figures.kpis import KPIS
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import Promise
from medhavi.units import to_seconds
from tests.api import MemoryStore, PromiseDesk, PromiseLedger
from tests.planners.small_promises import (
    asked,
    cells,
    day,
    quoted,
    request_of,
    workshop,
)

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

NAIVE = day(3).replace(tzinfo=None)


def plant(**more: Any) -> Snapshot:
    """Make A from B on M at L, and ship it to C1."""
    return workshop(
        stock=[{"product": "B", "qty": 99}],
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        lanes=[{"lane": "T", "origin": "L", "destination": "C1", "duration_h": 24}],
        **more,
    )


# --------------------------------------------------------------- instants and owners
@pytest.mark.req("CORE-08")
def test_an_instant_without_a_zone_is_refused_where_instants_are_counted():
    with pytest.raises(ValueError, match="has no time zone"):
        to_seconds(NAIVE)
    text = f'{{"reservation": "R", "expired_at": "{NAIVE.isoformat()}"}}'
    with pytest.raises(msgspec.ValidationError, match="timezone component"):
        msgspec.json.decode(text, type=ReservationExpired)


@pytest.mark.req("CORE-08")
def test_tables_and_requests_that_state_no_zone_mean_utc():
    """The convention of the tables: a zone is never guessed."""
    snapshot = plant()
    plain = request_of(snapshot, due=NAIVE.isoformat()).due
    assert plain == to_seconds(NAIVE.replace(tzinfo=dt.UTC))
    assert request_of(snapshot, due=f"{NAIVE.isoformat()}+02:00").due == plain - 7200


@pytest.mark.req("CORE-08", "ATP-17")
def test_the_settings_of_the_tables_are_the_tenant_with_its_policies():
    """Its name, its money and its risk are one row; the presets are its own rows."""
    gold = {"policy": "gold", "risk_basis": "p50", "supplier_fallback": "block"}
    snapshot = plant(
        settings=[{"tenant": "aurora", "risk_basis": "p95", "base_currency": "USD"}],
        promise_policies=[{"policy": "default"}, {**gold, "tier": "gold"}],
    )
    assert snapshot.settings.tenant == "aurora"
    made, named = asked(snapshot), asked(snapshot, policy="gold")
    assert made.cost.currency == "USD"
    assert (made.basis.risk_basis, named.basis.risk_basis) == ("p95", "p50")


# ------------------------------------------------------------------------------ units
@pytest.mark.req("ATP-26", "DEF-28")
def test_a_request_counts_in_the_unit_of_its_product_alone():
    """Other units are converted where people state them; here one would be an error."""
    with pytest.raises(BadData, match="qty"):
        asked(plant(), qty="10 case")


# ------------------------------------------------------------------------- the pieces
@pytest.mark.req("ATP-29")
def test_each_piece_of_the_domain_is_a_table_or_a_view_of_it():
    tables = schema.tables()
    pieces = {
        "order and promise": ("demands", "promise_policies"),
        "routing and operation": ("routings", "steps", "step_resources"),
        "resource calendar": ("resources", "calendars", "shifts"),
        "inventory": ("stock",),
        "supply order": ("supply_orders", "supply_order_steps"),
        "requirement and reservation": ("reservations", "pegs"),
        "leg and its calendar": ("lanes", "departures", "lane_blackouts"),
        "supplier offer": ("supply_terms", "price_tiers", "supplier_capacity"),
    }
    for names in pieces.values():
        assert set(names) <= tables.keys()
    stages = PromiseLedger.from_snapshot(plant()).stages
    assert stages.line("B", "L").available(stages.providers.snapshot.as_of) == 99
    assert stages.capacity.occupancy.busy("M") == ()
    assert [one.source for one in stages.sources("A", "L")] == ["R"]


@pytest.mark.req("ATP-15")
def test_an_answer_carries_all_that_it_rests_on():
    """Which routing, lanes, steps and holds; effort, mode, basis and moment."""
    book = PromiseLedger.from_snapshot(plant())
    made = quoted(book, location="C1", due=day(9))
    told = {field.name for field in fields(Promise)}
    assert {"known_at", "reservations", "cost", "limiter", "trace", "basis"} <= told
    assert made.known_at == book.now
    assert {one.kind for one in made.holds} == {"material", "capacity", "transport"}
    stages = {str(entry["stage"]) for entry in made.trace}
    assert {"material", "routing", "capacity", "transport", "search"} <= stages
    (effort,) = [entry for entry in made.trace if entry["stage"] == "search"]
    assert {"evaluations", "budget", "policy", "mode"} <= effort.keys()


@pytest.mark.req("DEF-23")
def test_routings_are_chosen_by_name_and_nothing_more_of_them_is_asked():
    """Who asks names no routing; a source names one, and its times are its clock's."""
    book = PromiseLedger.from_snapshot(plant())
    assert not {"routing", "source", "steps"} & set(cells())
    (source,) = book.stages.sources("A", "L")
    assert (source.kind, source.source) == ("make", "R")
    made = quoted(book)
    (entry,) = [one for one in made.trace if one["stage"] == "routing"]
    assert entry["way"] == "make:R"


@pytest.mark.req("CAP-01")
def test_capacity_says_when_on_what_and_what_is_in_the_way():
    """Ten hours on M, which is held for two days: whether by then, where, and why."""
    held = {"kind": "capacity", "subject": "M", "location": None, "qty": 2 * 1440}
    snapshot = plant(reservations=[{**held, "start": day(0), "finish": day(2)}])
    made = asked(snapshot, due=day(1))
    assert (made.status.value, made.on_time) == ("promised_late", False)
    assert made.date == to_seconds(day(2 + 10 / 24))
    (used,) = [one for one in made.trace if one["stage"] == "capacity"]
    assert (used["routing"], used["step"], used["resources"]) == ("R", 1, ["M"])
    assert made.limiter is not None
    assert (made.limiter.code, made.limiter.subject) == (
        Limiter.CAPACITY_SHORTFALL,
        "M",
    )
    assert asked(snapshot, due=day(3)).on_time


@pytest.mark.req("MAT-06")
def test_material_answers_at_once_among_ten_thousand_products():
    """The 99th percentile of a question, its line built for it: half a millisecond."""
    names = [f"P{number:05d}" for number in range(10_000)]
    snapshot = plant(
        products=[{"product": "A"}, {"product": "B"}]
        + [{"product": name} for name in names],
    )
    rows = [{"product": name, "location": "L", "qty": 7, "lot": ""} for name in names]
    material = PromiseLedger.from_snapshot(snapshot.replace(stock=rows)).stages.material
    now, taken = int(snapshot.as_of), []
    for name in names:
        begin = time.thread_time()
        assert material.line(name, "L").earliest(5, now) == now
        taken.append(time.thread_time() - begin)
    assert sorted(taken)[int(len(taken) * 0.99)] < 0.0005


# ---------------------------------------------------------------------------- figures
@pytest.mark.req("CORE-18")
def test_every_module_has_names_for_what_it_does():
    """Figures of plans by number, of promises by the counters of a desk."""
    desk = PromiseDesk(MemoryStore(), plant())
    desk.quote([cells(location="C1", due=day(0))])
    told: dict[str, Any] = desk.counters.as_dict()
    # Netting: latency, orders, safety, pegging; capacity: overloads and bottlenecks.
    assert {"KPI-09", "KPI-10", "KPI-11", "KPI-16", "KPI-22", "KPI-25"} <= set(KPIS)
    # Each provider: latency, and how often it knew.
    for name in ("capacity", "material", "routing", "transport"):
        assert {"questions", "cache_hits", "p50", "p99"} <= told["providers"][
            name
        ].keys()
    # Cutoffs missed, routings expired, alternates exhausted: what limited answers.
    limits = {f"limited.{code}" for code in Limiter}
    assert {name for name in told["counts"] if name.startswith("limited.")} <= limits
    assert sum(told["counts"][name] for name in limits & set(told["counts"])) == 1
    assert told["counts"]["buying"] == 0
