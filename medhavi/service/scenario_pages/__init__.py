"""The scenarios page: what-ifs built by clicks, beside the plan that is shown."""
