"""The base of what is passed into compiled programs."""

import equinox as eqx


class Module(eqx.Module):
    """An equinox module with Python's own methods.

    Equinox makes every bound method a pytree, looked for at each access to any attribute; a forecast has 300 of these,
    which took a tenth of its time. Nothing here passes a method to a compiled program.

    >>> class Doubled(Module):
    ...     value: float
    ...     def of(self, factor):
    ...         return factor * self.value
    >>> Doubled(2.0).of(3.0), type(Doubled(2.0).of).__name__
    (6.0, 'method')
    """

    __getattribute__ = object.__getattribute__
