"""Mean-field theory of adversarial training in wide random deep networks: closed forms on arrays, no PyTorch."""

from jominy.meanfield.activation import ReLULike as ReLULike
from jominy.meanfield.architecture import Architecture as Architecture
from jominy.meanfield.architecture import LayerVariances as LayerVariances
