"""Results of planners: frozen plans with tidy tables, their ids, checks and KPIs.

`plan` holds the tables of a plan, `identity` their stable ids, `verify` re-derives a
plan from its snapshot without any code of the planners, `kpis` measures it.
"""
