"""
A forecast, and the SGD it is about
===================================

Adversarial least squares with a power-law spectrum: the forecast takes milliseconds, the runs are real SGD.
"""

import jominy as jm

data = jm.LinearTeacher(covariance=jm.power_law(dimension=1000, exponent=1.5), noise_variance=0.25)
problem = jm.Problem(data, jm.SquaredLoss(), radius=0.5)
curve = jm.forecast(problem, jm.Constant(0.5), time=10)
runs = jm.simulate(problem, jm.Constant(0.5), time=10, seeds=20, progress=False)
figure = jm.plot(curve, runs)

# %%
# How far the forecast is from the mean over the runs, relative to it, over all of training. A part of it is the error
# of a mean over 20 runs, a part the bias of order 1 / dimension.
off = jm.compare(curve, runs).rms_relative_error.sel(variable="adversarial_risk").item()
print(f"adversarial risk: {100 * off:.2f} % (rms)")
assert off < 0.02, "the forecast and SGD disagree"
