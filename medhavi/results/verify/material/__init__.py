"""Checks of stock, pegs and shelf life."""
