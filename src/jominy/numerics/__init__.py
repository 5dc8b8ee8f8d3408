"""Gaussian quadrature, ODE and root solvers, random streams."""
