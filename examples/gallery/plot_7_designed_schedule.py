"""
A designed schedule, and the SGD that it promises to improve
============================================================

The schedule of the learning rate that ends training with the lowest risk, found by forecasts; then real runs.
"""

import jominy as jm

data = jm.LinearTeacher(covariance=jm.two_level(400, high=32 / 17, low=2 / 17), noise_variance=0.25)
problem = jm.Problem(data, jm.SquaredLoss(), radius=0.3)
told = jm.design(problem, time=20, start=jm.RandomStart(0.7))
print("\n".join(told.sentences()))
figure = jm.plot_design(told)

# %%
# The excess risk of the best constant rate over that of the design: promised, and in 100 runs of each.
asked = {"times": [20], "seeds": 100, "start": jm.RandomStart(0.7), "progress": False}
constant, designed = (
    float(jm.simulate(problem, told[name].schedule, **asked).excess_risk.mean()) for name in ("constant", "designed")
)
print(f"promised {told.ratios['constant']:.2f}, in real runs {constant / designed:.2f}")
assert abs(constant / designed / told.ratios["constant"] - 1) < 0.1, "the design and SGD disagree"
