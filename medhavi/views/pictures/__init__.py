"""Charts of plans, schedules, studies and risk."""
