"""Commands that plan, edit orders and compare."""
