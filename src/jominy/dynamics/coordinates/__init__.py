"""Training under an attack on single features: the laws of the single weights instead of inner products."""
