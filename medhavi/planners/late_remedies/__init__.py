"""Remedies for late demands of a plan: changes that were tried by planning again."""
