# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Where safety stock belongs

Place stock over a whole network, see what service costs, and put it into a plan.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: where safety stock belongs")

with app.setup:
    import marimo as mo

    import medhavi as mv


@app.cell(hide_code=True)
def welcome():
    mo.md("""
    [Start page and lessons](/)

    # Where safety stock belongs

    Each place that holds stock of its own is safe by itself, and dear in all. Seen
    at once, some places may wait for their suppliers and others cover for them. This
    lesson uses the lemonade maker and his open orders.
    """)
    return


@app.cell(hide_code=True)
def say_place():
    mo.md("""
    ## 1. Place it

    Every place quotes days to those it supplies, and covers the days between what it
    is quoted and what it quotes. The quotes that cost least to hold are chosen for
    all places together.
    """)
    return


@app.cell
def place():
    snapshot = mv.Snapshot.example()
    found = mv.safety_stock(snapshot, {"service_level": 0.95})
    found
    return found, snapshot


@app.cell
def see_places(found):
    columns = ["product", "location", "lead_days", "quotes_days", "covers_days"]
    amounts = ["safety_qty", "alone_qty", "money"]
    mo.ui.table(
        found.places.select(*columns, *amounts),
        selection=None,
        format_mapping=dict.fromkeys(amounts, "{:,.2f}"),
    )
    return


@app.cell(hide_code=True)
def say_curve():
    mo.md("""
    ## 2. What service costs

    Stock where it stands now, at other service levels. The last column is what one
    point of service more costs a year: each point costs more than the one before.
    """)
    return


@app.cell
def see_curve(found):
    amounts_of_money = ["money", "alone_money", "step_money"]
    mo.ui.table(
        found.curve,
        selection=None,
        format_mapping=dict.fromkeys(amounts_of_money, "{:,.2f}")
        | {"service_level": "{:.1%}"},
    )
    return


@app.cell(hide_code=True)
def say_plan():
    mo.md("""
    ## 3. Put it into a plan

    `policies` is the table `inventory_policies` with the proposed quantities: a plan
    keeps them where it can.
    """)
    return


@app.cell
def compare(found, snapshot):
    safe = snapshot.replace(inventory_policies=found.policies)
    before, after = (mv.plan(data, mode="constrained") for data in (snapshot, safe))
    mv.compare(before, after)
    return


@app.cell(hide_code=True)
def farewell():
    mo.md("""
    Where each place by itself would hold, what is held today, and what is not counted:
    docs/cycle.md, section Where safety stock belongs.
    """)
    return


if __name__ == "__main__":
    app.run()
