"""Reservations: their states, their ledger, and who owns them."""
