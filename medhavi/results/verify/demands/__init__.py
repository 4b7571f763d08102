"""Checks of demands: fulfilment, lateness, agreements, promises."""
