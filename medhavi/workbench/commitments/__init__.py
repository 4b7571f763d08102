"""Accepted promises in the event log and the live book made of them."""
