"""Training of predictors, champions and their tracking."""
