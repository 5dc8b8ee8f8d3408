"""
Your own arrays
===============

Measurements of real patients: no Gaussian is assumed, the held-out rows say what the training risk cannot.
"""

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import jominy as jm

X, X_test, y, y_test = train_test_split(*load_breast_cancer(return_X_y=True), test_size=0.25, random_state=0)
problem = jm.Problem(jm.Samples(X, y), jm.LogisticLoss(), radius=0.5)
told = jm.forecast(problem, jm.Constant(1.0), time=10, held_out=(X_test, y_test), evaluate_at=[0.0, 0.5, 1.0])
figure = jm.plot(told)

# %%
# Held-out accuracy against attacks of three radii, after one training at radius 0.5.
print(told.held_out_accuracy_at_radius.isel(time=-1).to_series())
assert told.held_out_adversarial_accuracy[-1] > 0.85
