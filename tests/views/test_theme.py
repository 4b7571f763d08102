"""One place for colours; light and dark agree; words can be read."""

from __future__ import annotations

import re
from dataclasses import fields

import altair as alt
import polars as pl
import pytest

from medhavi.views import theme
from medhavi.views.theme import MODES, Tokens, app_style
from tests.api import DARK, LIGHT


def contrast(one: str, other: str) -> float:
    """Contrast of WCAG 2."""

    def light(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
            for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dim = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "name", ["ink", "muted", "plan", "good_ink", "warn_ink", "bad_ink", "alt_ink"]
)
def test_words_can_be_read_on_page_and_card(mode, name):
    tokens = MODES[mode]
    for ground in (tokens.page, tokens.card):
        assert contrast(getattr(tokens, name), ground) >= 4.5


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["plan", "bad", "good", "firm"])
def test_marks_stand_out_from_the_page(mode, name):
    tokens = MODES[mode]
    assert contrast(getattr(tokens, name), tokens.page) >= 3


def test_words_take_the_darker_twin_of_a_hue():
    assert theme.ink_token("bad") == "var(--mv-bad_ink)"
    assert theme.ink_token("muted") == "var(--mv-muted)"


@pytest.mark.parametrize("tokens", [LIGHT, DARK])
def test_no_two_hues_are_the_same(tokens):
    hues = [tokens.plan, tokens.good, tokens.warn, tokens.bad, tokens.alt]
    assert len(set(hues)) == 5


def test_an_unknown_colour_is_an_error():
    with pytest.raises(KeyError, match="There is no colour pink"):
        theme.token("pink")


def test_every_variable_of_the_style_sheet_is_a_token():
    known = {item.name for item in fields(Tokens)}
    used = set(re.findall(r"var\(--mv-([a-z_]+)\)", app_style()))
    assert used <= known


def test_the_style_sheet_follows_the_reader_or_a_class():
    assert "prefers-color-scheme:dark" in theme.style_sheet()
    assert ".dark{--mv-ink:#e8ecf0" in theme.style_sheet(switch="class")


def test_the_style_sheet_asks_no_host():
    assert "url(" not in app_style()
    assert "@import" not in app_style()


@pytest.mark.parametrize("mode", MODES)
def test_a_chart_can_be_inked_for_places_without_style_sheet(mode):
    config = theme.inked(theme.chart_config(), mode)
    assert config["bar"]["color"] == MODES[mode].plan
    assert "var(" not in str(config)


def test_the_chart_theme_is_registered_and_clear():
    theme.register()
    assert {"medhavi", "medhavi_light", "medhavi_dark"} <= set(alt.theme.names())
    assert alt.theme.active == "medhavi"
    chart = alt.Chart(alt.Data(values=[{"x": 1}])).mark_bar().encode(x="x:Q")
    assert chart.to_dict()["config"]["background"] == "transparent"
    alt.theme.enable("default")


def test_a_chart_that_nothing_finished_is_drawn_with_the_colours_of_the_page():
    theme.register()
    rows = pl.DataFrame({"at": [1.5, None], "name": ["a", "b"]})
    plain = alt.Chart(theme.rows_of(rows)).mark_point().to_dict()
    assert plain["usermeta"]["embedOptions"]["renderer"] == "svg"
    assert plain["data"]["values"] == rows.to_dicts()


def test_the_lines_of_a_label_stand_around_its_row_on_a_phone():
    """Vega hangs all lines below the first: the third lay over the next label."""
    labels = ["QC", "Mix, Lodz", "Label Oliva conditioner 250 ml bought"]
    offset = theme.label_axis(labels, 300).to_dict()["labelOffset"]
    assert [one["value"] for one in offset["condition"]] == [-6.0, -12.0]
    assert all("containerSize()[0] < 520" in one["test"] for one in offset["condition"])
    assert offset["value"] == 0
