"""Several classes on a user's rows: how attacks move scores, SGD steps, what is read of a model, labelled runs."""
