"""Gaussian quadrature, ODE and root solvers, random streams: the only room that imports diffrax or optimistix."""
