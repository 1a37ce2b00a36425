"""Look at data before a model is trained on it: schemas, samples, profiles of columns, leaks and warnings."""
