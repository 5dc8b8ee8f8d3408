"""Adversarial homogenized SGD: the stochastic differential equation, on nodes and on dense vectors."""
