"""Lower bounds on the lateness of any plan."""
