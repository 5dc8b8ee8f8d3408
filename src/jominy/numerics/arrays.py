"""The array type of the rooms that compute: they work on JAX's arrays and on NumPy's alike."""

from typing import TypeAlias

import jax
import numpy as np

Array: TypeAlias = jax.Array | np.ndarray
