"""Mean-field theory of adversarial training in wide random deep networks: closed forms on arrays, no PyTorch."""

from jominy.meanfield.activation import ReLULike as ReLULike
from jominy.meanfield.affine import AffineLaw as AffineLaw
from jominy.meanfield.affine import affine_law as affine_law
from jominy.meanfield.affine import effective_dimension as effective_dimension
from jominy.meanfield.affine import width_dimension as width_dimension
from jominy.meanfield.architecture import Architecture as Architecture
from jominy.meanfield.architecture import LayerVariances as LayerVariances
from jominy.meanfield.constants import Chevet as Chevet
from jominy.meanfield.constants import Constants as Constants
from jominy.meanfield.constants import Leading as Leading
from jominy.meanfield.constants import Sharp as Sharp
from jominy.meanfield.geometry import InputGeometry as InputGeometry
from jominy.meanfield.index import TrainabilityIndex as TrainabilityIndex
from jominy.meanfield.index import trainability_index as trainability_index
from jominy.meanfield.kernels import layer_tangent_kernels as layer_tangent_kernels
from jominy.meanfield.kernels import tangent_kernel as tangent_kernel
from jominy.meanfield.large_radius import large_radius_factor as large_radius_factor
from jominy.meanfield.operator_norm import adversarial_loss as adversarial_loss
from jominy.meanfield.operator_norm import adversarial_loss_bound as adversarial_loss_bound
from jominy.meanfield.operator_norm import beta as beta
from jominy.meanfield.operator_norm import single_step_loss as single_step_loss
from jominy.meanfield.safe import safe_depth as safe_depth
from jominy.meanfield.safe import safe_radius as safe_radius
from jominy.meanfield.safe import safe_width as safe_width
from jominy.meanfield.verdict import Verdict as Verdict
