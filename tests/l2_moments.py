"""A loss's expectations under an l2 attack in terms of the norm, as the oracles have them: Psi_rho = eps Psi_s."""


def by_norm(moments, radius):
    """Expectations by name; those along the attack's shift s = eps rho become those along rho."""
    found = moments._asdict()
    slope, mixed, squared = (found.pop(name) for name in ("shift_slope", "slope_shift_slope", "shift_slope_squared"))
    return found | {
        "norm_slope": radius * slope,
        "slope_norm_slope": radius * mixed,
        "norm_slope_squared": radius**2 * squared,
    }
