"""Tables and texts of plans, schedules, studies and campaigns."""
