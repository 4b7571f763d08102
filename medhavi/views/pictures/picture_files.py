"""Pictures as files: SVG and PNG in fixed colours, with the title in them."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medhavi.views.theme import FONT, LIGHT, WIDTH, inked, specification

if TYPE_CHECKING:
    from medhavi.views.theme import Picture

_PADDING = 16
"""Ground around a picture in a file [px]."""
_SCALE = 2.0
"""Pixels of a PNG file by pixel of the chart."""
_PRINTED_FONT = '"DejaVu Sans"'
"""Type of PNG files, the same on each machine; as JSON."""


def picture_svg(chart: Picture) -> bytes:
    """Chart with its title as an SVG file, in the light colours."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(_printed(chart, WIDTH))
    return svg.encode()


def picture_png(chart: Picture, width: int = WIDTH) -> bytes:
    """Chart with its title as a PNG file, in the light colours."""
    import vl_convert

    vl_convert.register_font_directory(str(font_folder()))
    spec = json.dumps(_printed(chart, width)).replace(json.dumps(FONT), _PRINTED_FONT)
    png: bytes = vl_convert.vegalite_to_png(spec, scale=_SCALE)
    return png


def font_folder() -> Path:
    """Folder of the type of printed documents and pictures: DejaVu, in matplotlib."""
    found = find_spec("matplotlib")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def _printed(chart: Picture, width: int) -> dict[str, Any]:
    """Specification in fixed colours on a ground of its own."""
    spec = inked(specification(chart, width), "light")
    config = {**spec["config"], "padding": _PADDING}
    return {**spec, "config": config, "background": LIGHT.page}
