"""Where training ends, and at which rates it does: stationary states, limits of small rates, stability."""
