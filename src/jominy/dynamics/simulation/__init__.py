"""Streaming SGD itself on Gaussian mixtures, and how any engine leads many runs: noise, starts, teams, records."""
