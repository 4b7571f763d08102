"""Products and recipes: what the plants make, in which steps, of what."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from medhavi.demo.company_model.assortment import (
    DEAD_STOCK,
    DISCONTINUED,
    FORMULAS,
    LABEL_GROUP,
    PACKAGING,
    PIECES_PER_CASE,
    PREMIXES,
    RAW,
)
from medhavi.demo.company_model.company import (
    EACH,
    FIRST_PAIR,
    BomLine,
    Product,
    ProductRecipe,
    RecipeStep,
    formats,
    line_of,
    pair_of,
    pairs,
    ranges,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.demo.company_model.assortment import ProductFormat, ProductRange
    from medhavi.demo.company_model.company import Company

_BUNDLES = (
    ("HB", "Hair duo", ("SH250", "CO250")),
    ("BB", "Bath duo", ("SG200", "HC75")),
)
_SCENTED = {"oil": ("RM-OIL", "oil", 22.0), "extract": ("RM-EXT", "extract", 31.0)}
_LAST_SEASON = dt.datetime(2025, 9, 30, 22, tzinfo=dt.UTC)


def add_materials(company: Company) -> None:
    """Add bought materials: raw materials, packaging, printed matter of each range."""
    for material in RAW:
        _product(
            company,
            Product(
                code=material.code,
                kind="raw",
                uom="kg",
                cost=material.price,
                shelf_life_days=material.shelf_life_days,
            ),
            name=material.name,
            family="Raw materials",
        )
    for material in PACKAGING:
        _product(
            company,
            Product(
                code=material.code, kind="packaging", uom=EACH, cost=material.price
            ),
            name=material.name,
            family="Packaging",
            volume_m3=0.00035,
        )
    company.add(
        "products",
        product=LABEL_GROUP,
        name="Labels of all ranges",
        kind="packaging",
        family="Labels",
    )
    for scent in ranges(company):
        for key, (code, word, price) in _SCENTED.items():
            _product(
                company,
                Product(
                    code=f"{code}-{scent.code}",
                    kind="raw",
                    uom="kg",
                    cost=price,
                    shelf_life_days=300.0 if key == "extract" else 420.0,
                ),
                name=f"{scent.name} {word}",
                family="Natural materials",
            )
        _product(
            company,
            Product(code=f"RM-FRA-{scent.code}", kind="raw", uom="kg", cost=64.0),
            name=f"Fragrance {scent.name}",
            family="Natural materials",
            hazmat=True,
        )


def _product(company: Company, product: Product, **row: object) -> None:
    company.products[product.code] = product
    company.add(
        "products",
        product=product.code,
        kind=product.kind,
        uom=product.uom,
        unit_cost=round(product.cost, 4),
        shelf_life_days=product.shelf_life_days,
        weight_kg=row.pop("weight_kg", 1.0 if product.uom == "kg" else 0.02),
        **row,
    )


def _recipe(company: Company, recipe: ProductRecipe, cost_per_unit: float) -> None:
    """Keep a recipe and add its rows."""
    company.recipes[recipe.product, recipe.plant] = recipe
    company.add(
        "routings",
        routing=recipe.routing,
        product=recipe.product,
        location=recipe.plant,
        preference=recipe.preference,
        min_lot=recipe.min_lot,
        max_lot=recipe.max_lot,
        lot_multiple=recipe.multiple,
        cost_per_unit=cost_per_unit,
        fixed_cost=60.0,
    )
    for index, line in enumerate(recipe.lines, start=1):
        company.add(
            "bom_lines",
            routing=recipe.routing,
            line=index * 10,
            component=line.component,
            step=line.step,
            qty_per=line.qty_per,
            scrap=line.scrap or None,
        )
    for step in recipe.steps:
        company.add(
            "steps",
            routing=recipe.routing,
            step=step.number,
            name=step.name,
            sequence=step.number,
            setup_minutes=step.setup_minutes or None,
            fixed_minutes=step.fixed_minutes or None,
            run_minutes_per_unit=step.run_minutes or None,
            queue_minutes=step.queue_minutes or None,
            family=step.family,
            **{"yield": step.good if step.good < 1 else None},
        )
        _step_resources(company, recipe, step)


def _step_resources(company: Company, recipe: ProductRecipe, step: RecipeStep) -> None:
    choices = [step.resource]
    labellers = f"{recipe.plant}-LABEL-"
    medium = any(pair.medium == recipe.plant for pair in pairs(company))
    if medium and step.resource.startswith(labellers):
        choices.append(f"{labellers}{company.scale.lines + 1}")
    for preference, resource in enumerate(choices, start=1):
        company.add(
            "step_resources",
            routing=recipe.routing,
            step=step.number,
            resource=resource,
            choice="labeller" if len(choices) > 1 else None,
            preference=preference,
            speed=0.8 if preference > 1 else None,
        )


def _cost(company: Company, lines: Iterable[BomLine], making: float) -> float:
    """Standard cost of one unit: materials with their loss, and making."""
    parts = (
        company.products[x.component].cost * x.qty_per / (1 - x.scrap) for x in lines
    )
    return round(sum(parts) + making, 4)


def _mixture(
    company: Company, code: str, name: str, lines: tuple[BomLine, ...]
) -> None:
    """Add a bulk or premix; it is mixed where the fillings that use it are."""
    premix = code.startswith("PX")
    product = Product(
        code=code,
        kind="component",
        uom="kg",
        cost=_cost(company, lines, 0.35),
        shelf_life_days=60.0 if premix else 90.0,
    )
    _product(company, product, name=name, family="Premixes" if premix else "Bulk")


def _mix_recipe(
    company: Company, code: str, lines: tuple[BomLine, ...], plant: str, line: int
) -> None:
    mixer = f"{plant}-MIX-{2 * line - 1 if code.startswith('PX') else 2 * line}"
    _recipe(
        company,
        ProductRecipe(
            routing=f"R-{code}-{plant}",
            product=code,
            plant=plant,
            steps=(
                RecipeStep(
                    number=10,
                    name="mixing",
                    resource=mixer,
                    setup_minutes=45.0,
                    fixed_minutes=90.0,
                    run_minutes=0.06,
                    good=0.985,
                ),
                RecipeStep(
                    number=20,
                    name="bulk release",
                    resource=f"{plant}-QC",
                    fixed_minutes=45.0,
                    queue_minutes=240.0,
                ),
            ),
            lines=lines,
            min_lot=200.0,
            multiple=50.0,
            max_lot=4000.0,
        ),
        cost_per_unit=0.35,
    )


def add_mixtures(company: Company) -> None:
    """Add premixes and the bulks of every range."""
    for code, (name, parts) in PREMIXES.items():
        lines = tuple(
            BomLine(component=c, qty_per=q, step=10) for c, q in parts.items()
        )
        _mixture(company, code, name, lines)
        for pair in pairs(company):
            _mix_recipe(company, code, lines, pair.medium, 1)
            if code != "PX-ACTIVE":
                _mix_recipe(company, code, lines, pair.heavy, 1)
    for index, scent in enumerate(ranges(company)):
        pair = pair_of(index, company)
        made: set[str] = set()
        for kind in formats(index):
            if kind.formula in made:
                continue
            made.add(kind.formula)
            lines = tuple(
                BomLine(component=_material(part, scent), qty_per=quantity, step=10)
                for part, quantity in FORMULAS[kind.formula].items()
            )
            code = f"BK-{scent.code}-{kind.formula}"
            name = f"{scent.name} {kind.formula.lower()} bulk"
            _mixture(company, code, name, lines)
            number = line_of(index, company)
            _mix_recipe(company, code, lines, pair.home(kind.line), number)
            if kind.formula == "SHAMPOO":
                _mix_recipe(company, code, lines, pair.medium, number)


def _material(part: str, scent: ProductRange) -> str:
    if part == "fragrance":
        return f"RM-FRA-{scent.code}"
    if part in _SCENTED:
        return f"{_SCENTED[part][0]}-{scent.code}"
    return part


def _printed(company: Company, code: str, name: str, price: float, family: str) -> str:
    product = Product(code=code, kind="packaging", uom=EACH, cost=price)
    group = LABEL_GROUP if family == "Labels" else None
    _product(company, product, name=name, family=family, parent=group)
    return code


def add_finished(company: Company) -> None:
    """Add the finished products of every range and their gift bundles."""
    for index, scent in enumerate(ranges(company)):
        sold = [kind.code for kind in formats(index)]
        for kind in formats(index):
            _finished(company, index, scent, kind)
        for code, name, parts in _BUNDLES:
            if all(part in sold for part in parts):
                _bundle(company, index, scent, (code, name, parts))
    _remnants(company)


def _finished(
    company: Company, index: int, scent: ProductRange, kind: ProductFormat
) -> None:
    code = f"{scent.code}-{kind.code}"
    name = f"{scent.name} {kind.name.lower()}"
    bulk = f"BK-{scent.code}-{kind.formula}"
    lines = [
        BomLine(component=bulk, qty_per=kind.kilograms, step=10, scrap=0.01),
        BomLine(component=f"PK-{kind.container}", qty_per=1.0, step=10, scrap=0.005),
        BomLine(component=f"PK-{kind.closure}", qty_per=1.0, step=10, scrap=0.005),
    ]
    if kind.label:
        label = _printed(company, f"LB-{code}", f"Label {name}", 0.035, "Labels")
        lines.append(BomLine(component=label, qty_per=1.0, step=30, scrap=0.02))
    if kind.carton:
        carton = _printed(company, f"CT-{code}", f"Carton {name}", 0.12, "Cartons")
        lines.append(BomLine(component=carton, qty_per=1.0, step=20, scrap=0.01))
    case = round(1 / PIECES_PER_CASE, 4)
    lines.append(BomLine(component="PK-SHIPPER", qty_per=case, step=40))
    product = Product(
        code=code,
        kind="finished",
        uom=EACH,
        cost=_cost(company, lines, 0.3),
        shelf_life_days=1080.0 if kind.family == "Face care" else None,
    )
    _product(
        company,
        product,
        name=name,
        family=kind.family,
        weight_kg=round(kind.kilograms * 1.25, 3),
        volume_m3=round(kind.kilograms * 0.0022, 6),
        sku_tier="A" if kind.popularity >= 1.1 else "B",
        co2_kg=round(kind.kilograms * 1.9, 3),
    )
    pair = pair_of(index, company)
    plants = [pair.home(kind.line)] + ([pair.medium] if kind.code == "SH250" else [])
    for preference, plant in enumerate(plants, start=1):
        _recipe(
            company,
            ProductRecipe(
                routing=f"R-{code}-{plant}",
                product=code,
                plant=plant,
                steps=_fill_steps(company, index, scent, kind, plant),
                lines=tuple(lines),
                min_lot=500.0,
                multiple=100.0,
                preference=preference,
            ),
            cost_per_unit=0.3 if preference == 1 else 0.36,
        )


def _fill_steps(
    company: Company, index: int, scent: ProductRange, kind: ProductFormat, plant: str
) -> tuple[RecipeStep, ...]:
    """Filling → cartoning → labelling → quality control, as the format needs."""
    number = line_of(index, company)
    steps = [
        RecipeStep(
            number=10,
            name="filling",
            resource=f"{plant}-FILL-{kind.line.upper()}-{number}",
            setup_minutes=60.0,
            run_minutes=kind.run_minutes,
            good=0.99,
            family=scent.code,
        )
    ]
    if kind.carton:
        resource = f"{plant}-CARTON-{number}"
        steps.append(_pack_step(20, "cartoning", resource, 0.03))
    if kind.label:
        resource = f"{plant}-LABEL-{number}"
        steps.append(_pack_step(30, "labelling", resource, 0.024))
    steps.append(
        RecipeStep(
            number=40,
            name="QC and batch release",
            resource=f"{plant}-QC",
            fixed_minutes=60.0,
            run_minutes=0.008,
            queue_minutes=120.0,
        )
    )
    return tuple(steps)


def _pack_step(number: int, name: str, resource: str, run_minutes: float) -> RecipeStep:
    return RecipeStep(
        number=number,
        name=name,
        resource=resource,
        setup_minutes=30.0,
        run_minutes=run_minutes,
    )


def _bundle(
    company: Company,
    index: int,
    scent: ProductRange,
    kit: tuple[str, str, tuple[str, ...]],
) -> None:
    code, word, parts = f"{scent.code}-{kit[0]}", kit[1], kit[2]
    name = f"{scent.name} {word.lower()} gift bundle"
    box = _printed(company, f"GB-{code}", f"Gift box {name}", 0.62, "Gift boxes")
    lines = (
        *(BomLine(component=f"{scent.code}-{p}", qty_per=1.0, step=10) for p in parts),
        BomLine(component=box, qty_per=1.0, step=10, scrap=0.01),
    )
    product = Product(
        code=code, kind="finished", uom=EACH, cost=_cost(company, lines, 0.4)
    )
    _product(company, product, name=name, family="Gift bundles", weight_kg=0.62)
    number = line_of(index, company)
    plant = pair_of(index, company).medium
    bundling = _pack_step(10, "bundling", f"{plant}-BUNDLE-{number}", 0.06)
    checking = RecipeStep(
        number=20,
        name="QC",
        resource=f"{plant}-QC",
        fixed_minutes=30.0,
        run_minutes=0.01,
    )
    _recipe(
        company,
        ProductRecipe(
            routing=f"R-{code}-{plant}",
            product=code,
            plant=plant,
            steps=(bundling, checking),
            lines=lines,
            min_lot=100.0,
            multiple=20.0,
        ),
        cost_per_unit=0.4,
    )


def _remnants(company: Company) -> None:
    """Add a dead limited edition and a discontinued sun care."""
    plant = FIRST_PAIR.medium
    for code, name, cost in (
        (DEAD_STOCK, "Oud Noir limited face cream 50 ml", 11.2),
        (DISCONTINUED, "Solare after-sun lotion 150 ml", 3.4),
    ):
        product = Product(code=code, kind="finished", uom=EACH, cost=cost)
        _product(company, product, name=name, family="Past seasons", weight_kg=0.1)
        company.add(
            "routings",
            routing=f"R-{code}-{plant}",
            product=code,
            location=plant,
            valid_to=_LAST_SEASON,
            min_lot=1000.0,
        )
        step = {"routing": f"R-{code}-{plant}", "step": 10}
        company.add(
            "steps", **step, name="filling", sequence=10, run_minutes_per_unit=0.03
        )
        company.add("step_resources", **step, resource=f"{plant}-FILL-MEDIUM-1")
