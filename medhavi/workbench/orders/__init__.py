"""Edits of orders: preview, price, events, history."""
