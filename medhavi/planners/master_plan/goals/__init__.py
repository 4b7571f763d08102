"""What a planner asks of a plan beside its money: budgets and stages."""
