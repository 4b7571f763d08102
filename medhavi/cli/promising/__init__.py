"""Commands that promise and watch promises."""
