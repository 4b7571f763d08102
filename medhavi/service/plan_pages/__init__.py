"""The page of a plan: choices, edits, remedies, history."""
