"""Mixtures as the equations see them: what stands for their law, their risk, and the state that evolves on it."""
