"""The page of promises: form, answers, bulk, commit."""
