"""Read frePPLe's neutral JSON: models, their calendars, operations and orders."""
