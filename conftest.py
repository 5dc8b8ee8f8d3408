"""Import the packages first, as users do: pytest would otherwise import a file such as `forecast.py` by its path, and
bind the name of the function in it to the module."""

import jominy.dynamics
import jominy.dynamics.samples
import jominy.study  # noqa: F401
