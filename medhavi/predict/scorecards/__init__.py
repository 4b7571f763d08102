"""How well promises and suppliers kept their dates."""
