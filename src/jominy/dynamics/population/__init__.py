"""The forecast of a Gaussian mixture: its equations on nodes or matrices, solved as lanes of one compiled program."""
