"""How sure a plan is where deliveries and transports take uncertain times."""
