"""Operations of a frePPLe model as routings: steps, resources, what they use and give.

Every operation becomes a routing, deliveries and transports too: they end at a place of
their own. Alternates and splits become sources of what they supply.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.frepple_case.calendars import instant
from benchmarks.frepple_case.case import NOWHERE, days, gives, minutes
from benchmarks.frepple_case.quantity_buckets import (
    add_load,
    largest_order,
    parted,
    quantity_loads,
)

if TYPE_CHECKING:
    from benchmarks.frepple_case.case import Case, Point, Record

    Flows = list[tuple[Record, int | None]]
    """Flows with the step they belong to."""

RULES = {"MINCOST": "cost", "MINCOSTPENALTY": "cost", "MINPENALTY": "earliest"}


class Operations:
    """Makes routings of operations, each once.

    Attributes
    ----------
    made
        Operation to the stock point that its routing supplies.
    rules
        Stock point to the rule by which it chooses among sources.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self.made: dict[str, Point] = {}
        self.rules: dict[Point, str] = {}
        self._lines: dict[str, int] = defaultdict(int)

    # --- choice --------------------------------------------------------------------
    def sources(
        self, name: str, point: Point | None = None, *, delivers: bool = False
    ) -> list[Record]:
        """Make the routings of an operation; list them as sources of what they give.

        Parameters
        ----------
        name
            The operation; an alternate or split gives one source a choice.
        point
            What it supplies; by default what its flows or item say.
        delivers
            Whether it brings goods to a demand.
        """
        case = self._case
        record = case.operations[name]
        if record["type"] not in {"alternate", "split"}:
            target = self.routing(record, point=point, delivers=delivers)
            self._rule(record, target)
            return [_source(name, target, record.get("priority", 1))]
        found: list[Record] = []
        for choice in record.get("suboperations", ()):
            leaf = case.operations[choice["operation"]]
            live = choice.get("priority", 1) != 0
            target = self.routing(leaf, record, choice, point, delivers=delivers)
            self._rule(leaf, target)
            self._rule(record, target)
            if not live:
                continue
            weight = choice.get("priority", 1)
            split = record["type"] == "split"
            source = _source(leaf["name"], target, 1 if split else weight)
            source |= case.validity(choice, leaf["name"], self._lasts(leaf))
            source["share_pct"] = weight if split else None
            found.append(source)
        return found

    def _rule(self, record: Record, point: Point) -> None:
        rule = RULES.get(record.get("search", ""))
        if rule:
            self.rules[point] = rule

    # --- routing -------------------------------------------------------------------
    def routing(
        self,
        record: Record,
        parent: Record | None = None,
        choice: Record | None = None,
        point: Point | None = None,
        *,
        delivers: bool = False,
        proposed: bool = True,
    ) -> Point:
        """Make the routing of one operation; give the stock point that it supplies."""
        name = record["name"]
        if name in self.made:
            return self.made[name]
        case, parent, choice = self._case, parent or {}, choice or {}
        steps = self._steps(record)
        flows: Flows = [(flow, None) for flow in record.get("flows", ())]
        flows += [(flow, None) for flow in parent.get("flows", ())]
        if record["type"] == "routing":
            flows += [
                (flow, number)
                for number, step in enumerate(steps, 1)
                for flow in step.get("flows", ())
            ]
        target = point or self._target(record, parent, flows)
        self.made[name] = target
        case.points.add(target)
        case.place(target[1])
        rank = choice.get("priority", record.get("priority"))
        soft = None if delivers or record.get("hard_posttime") else _after(record)
        valid = case.validity({**record, **choice}, name, self._lasts(record))
        if not proposed or rank == 0:
            valid["valid_to"] = case.now
        case.add(
            "routings",
            routing=name,
            product=target[0],
            location=target[1],
            preference=rank if rank and parent.get("type") != "split" else None,
            min_lot=record.get("size_minimum", 1),
            max_lot=largest_order(case, record),
            lot_multiple=record.get("size_multiple") or None,
            batch_window_days=days(record.get("batchwindow_s")),
            cost_per_unit=record.get("cost"),
            fence_days=days(record.get("fence_s")),
            safety_days=days(soft) if record["type"] != "routing" else None,
            **valid,
        )
        self._add_steps(record, steps, delivers=delivers)
        self._uses(name, target, flows)
        self._outputs(name, target, flows, len(steps))
        return target

    def _lasts(self, record: Record) -> float | None:
        """How long each order takes [s]; None: not all take the same."""
        case = self._case
        if record["type"] != "fixed_time":
            return None
        resources = [case.resources[x["resource"]] for x in record.get("loads", ())]
        limits = [
            record,
            case.locations.get(record.get("location", ""), {}),
            *resources,
        ]
        if any(one.get("available") or one.get("efficiency") for one in limits):
            return None
        return float(record.get("duration_s", 0))

    def _steps(self, record: Record) -> list[Record]:
        if record["type"] != "routing":
            return [record]
        order = sorted(
            record.get("suboperations", ()), key=lambda sub: sub.get("priority", 1)
        )
        return [self._case.operations[sub["operation"]] for sub in order]

    def _target(self, record: Record, parent: Record, flows: Flows) -> Point:
        """What an operation supplies: its item, else its last output."""
        given = [
            self._case.point_of[flow["buffer"]] for flow, _ in flows if gives(flow)
        ]
        item = record.get("item") or parent.get("item")
        for point in given:
            if point[0] == item:
                return point
        if given and item is None:
            return given[-1]
        place = record.get("location") or parent.get("location")
        if place is None:
            used = [self._case.point_of[flow["buffer"]][1] for flow, _ in flows]
            place = used[0] if used else NOWHERE
        return (item or record["name"], place)

    def _add_steps(
        self, record: Record, steps: list[Record], *, delivers: bool
    ) -> None:
        case, routing = self._case, record["name"]
        numbers = {step["name"]: number for number, step in enumerate(steps, 1)}
        for number, step in enumerate(steps, 1):
            hard = bool(record.get("hard_posttime") or step.get("hard_posttime"))
            last = number == len(steps)
            inner = step is not record
            after = _after(step) if (inner or hard) else None
            if delivers and last:
                after = None
            loads = step.get("loads", ())
            part = parted(case, step)
            if part:
                self._add_step(routing, number, step, part)
                case.add("step_links", routing=routing, step=2, after=1)
            self._add_step(
                routing,
                number + bool(part),
                step,
                1 - part,
                move_minutes=minutes(after) if hard else None,
                safety_minutes=None if hard else minutes(after),
            )
            beside = quantity_loads(case, step)
            for load in loads:
                if load not in beside:
                    self._load(routing, number, load, until=2 if part else None)
            for place, load in enumerate(beside, 3 if part else 2):
                add_load(case, routing, place, load)
            self._waits(routing, number, step, numbers)
        if record["type"] == "routing":
            for load in record.get("loads", ()):
                self._load(routing, 1, load, until=len(steps))

    def _add_step(
        self, routing: str, number: int, step: Record, part: float, **more: object
    ) -> None:
        """Add a step that does some part of the work of an operation."""
        loads = step.get("loads", ())
        each = step.get("duration_per_s") if step["type"] == "time_per" else None
        self._case.add(
            "steps",
            routing=routing,
            step=number,
            name=step["name"],
            sequence=number,
            fixed_minutes=minutes(step.get("duration_s", 0) * part),
            run_minutes_per_unit=minutes(each and each * part),
            family=next((x["setup"] for x in loads if x.get("setup")), None),
            calendar=self._case.calendar(step.get("available")),
            resource_rule=next(
                (RULES.get(x["search"]) for x in loads if x.get("search")), None
            ),
            **more,
        )

    def _load(
        self, routing: str, step: int, load: Record, until: int | None = None
    ) -> None:
        self._case.add(
            "step_resources",
            routing=routing,
            step=step,
            resource=load["resource"],
            choice=load.get("alternate_group"),
            preference=load.get("priority"),
            units=load.get("quantity", 1),
            until_step=until,
            skill=load.get("skill"),
            valid_from=instant(load.get("effective_start")),
            valid_to=instant(load.get("effective_end")),
        )

    def _waits(
        self, routing: str, number: int, step: Record, numbers: dict[str, int]
    ) -> None:
        """Make a step wait for others: a link, or a product made by the other one."""
        case = self._case
        for wait in step.get("blocked_by", ()):
            hard = wait.get("hard_safety_leadtime_s", 0)
            soft = max(0, wait.get("safety_leadtime_s", 0) - hard)
            if wait["operation"] in numbers:
                case.add(
                    "step_links",
                    routing=routing,
                    step=number,
                    after=numbers[wait["operation"]],
                    lag_minutes=minutes(hard),
                    safety_minutes=minutes(soft),
                )
                continue
            product, place = self.routing(case.operations[wait["operation"]])
            self._lines[routing] += 1
            case.add(
                "bom_lines",
                routing=routing,
                line=self._lines[routing],
                component=product,
                step=number,
                qty_per=wait.get("quantity", 1),
                offset_minutes=-hard / 60 if hard else None,
                location=place,
            )
            if soft:
                case.notes.append(f"{routing}: soft time after {product} is lost")

    # --- flows ---------------------------------------------------------------------
    def _uses(self, routing: str, target: Point, flows: Flows) -> None:
        for flow, step in flows:
            if gives(flow):
                continue
            component, place = self._case.point_of[flow["buffer"]]
            self._lines[routing] += 1
            self._case.add(
                "bom_lines",
                routing=routing,
                line=self._lines[routing],
                component=component,
                step=step,
                anchor="end" if flow.get("at") == "end" else None,
                qty_per=-flow["quantity"],
                qty_fixed=-flow["quantity_fixed"]
                if flow.get("quantity_fixed")
                else None,
                offset_minutes=minutes(flow.get("offset_s")),
                location=place if place != target[1] else None,
                substitute_group=flow.get("alternate_group"),
                priority=flow.get("priority"),
                valid_from=instant(flow.get("effective_start")),
                valid_to=instant(flow.get("effective_end")),
            )

    def _outputs(
        self,
        routing: str,
        target: Point,
        flows: Flows,
        last: int,
    ) -> None:
        """Add what the routing gives, unless it is one of its product at the end."""
        given = [(flow, step) for flow, step in flows if gives(flow)]
        points = [self._case.point_of[flow["buffer"]] for flow, _ in given]
        if not given or (points == [target] and _plain(*given[0], last)):
            return
        if target not in points:
            self._case.add(
                "routing_outputs", routing=routing, line=0, product=target[0]
            )
        for line, ((flow, step), point) in enumerate(
            zip(given, points, strict=True), 1
        ):
            self._case.add(
                "routing_outputs",
                routing=routing,
                line=line,
                product=point[0],
                role="main" if point == target else "co",
                step=step,
                qty_per=flow["quantity"],
                qty_fixed=flow.get("quantity_fixed") or None,
                anchor="start" if flow.get("at") == "start" else None,
                offset_minutes=minutes(flow.get("offset_s")),
                location=point[1] if point[1] != target[1] else None,
                valid_from=instant(flow.get("effective_start")),
                valid_to=instant(flow.get("effective_end")),
            )


def _after(record: Record) -> float | None:
    return record.get("posttime_s") or None


def _plain(flow: Record, step: int | None, last: int) -> bool:
    return (
        flow["quantity"] == 1
        and flow.get("at", "end") == "end"
        and step in {None, last}
        and not any(
            flow.get(key)
            for key in (
                "quantity_fixed",
                "offset_s",
                "effective_start",
                "effective_end",
            )
        )
    )


def _source(name: str, point: Point, preference: int) -> Record:
    return {
        "kind": "make",
        "source": name,
        "point": point,
        "preference": preference,
        "valid_from": None,
        "valid_to": None,
    }
