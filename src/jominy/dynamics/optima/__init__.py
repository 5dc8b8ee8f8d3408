"""The adversarial optimum of a Gaussian mixture, and the radius at which it collapses."""
