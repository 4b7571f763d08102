"""Units of measure that are known by name; a product may define more of its own."""

from __future__ import annotations

_COUNTS = """
    each ea pc pcs pce piece pieces unit units st stk c62 h87 pair pairs pr dozen dz set
    sets kit kits box boxes bx case cases cs carton cartons ct ctn kar crate crates pack
    packs pk pac package packages packet packets parcel parcels pallet pallets pal plt
    layer layers bag bags bg bottle bottles bt bo can cans ca drum drums dr barrel barrels
    roll rolls ro reel reels sheet sheets sh tube tubes tray trays bundle bundles bdl coil
    coils spool spools jar jars tin tins sack sacks tank tanks container containers batch
    batches lot lots load loads bar bars rod rods strip strips tablet tablets capsule
    capsules vial vials ampoule ampoules dose doses hundred thousand mil gross
"""
_MASSES = """
    mg g gr gram grams kg kgs kgm kilo kilogram kilograms t to ton tons tonne tonnes tne
    mt lb lbs pound pounds oz ounce ounces grm q dt
"""
_VOLUMES = """
    ml cl dl l ltr lt liter liters litre litres hl m3 cbm mtq cm3 ccm dm3 gal gallon
    gallons bbl pt qt floz ft3 in3
"""
_LENGTHS_AND_AREAS = """
    mm cm dm m mtr meter meters metre metres km in inch inches ft foot feet yd yard yards
    mm2 cm2 m2 sqm mtk ft2 sqft ha
"""
_OTHERS = """
    s sec second seconds min minute minutes h hr hour hours hur d day days wh kwh mwh j kj
    mj mol mmol ui iu % percent
"""

KNOWN = frozenset(
    " ".join([_COUNTS, _MASSES, _VOLUMES, _LENGTHS_AND_AREAS, _OTHERS]).split()
)
"""Names in lower case; case does not matter."""


def is_known(unit: str) -> bool:
    """Whether a unit is known by name.

    >>> is_known("KG"), is_known("kgs2")
    (True, False)
    """
    return unit.strip().casefold() in KNOWN
