"""The HTTP interface of the promise desk, its guard and its health."""
