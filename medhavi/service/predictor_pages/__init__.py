"""The page of predictors, and those of MLflow beside it."""
