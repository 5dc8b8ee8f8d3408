"""PyTorch networks beside the theory: attacks, training, measurements. Needs the extra `torch`.

This is the only room that imports PyTorch. Without it the names below exist and raise InputError when they are used.
"""

try:
    import torch  # noqa: F401
except ImportError:
    from jominy.networks.missing import stand_in as __getattr__  # noqa: F401
else:
    from jominy.networks.anatomy import Anatomy as Anatomy
    from jominy.networks.anatomy import LinearLayer as LinearLayer
    from jominy.networks.anatomy import anatomy as anatomy
    from jominy.networks.chi import measure_chi as measure_chi
    from jominy.networks.chi_verdict import ChiVerdict as ChiVerdict
    from jominy.networks.chi_verdict import RobustOutlook as RobustOutlook
    from jominy.networks.classification import fgsm as fgsm
    from jominy.networks.classification import pgd as pgd
    from jominy.networks.diagnose import Diagnosis as Diagnosis
    from jominy.networks.diagnose import LayerReport as LayerReport
    from jominy.networks.diagnose import diagnose as diagnose
    from jominy.networks.frozen import Head as Head
    from jominy.networks.frozen import features as features
    from jominy.networks.frozen import head as head
    from jominy.networks.frozen import linearised as linearised
    from jominy.networks.frozen import with_head as with_head
    from jominy.networks.head_forecast import HeadForecast as HeadForecast
    from jominy.networks.head_forecast import forecast_head as forecast_head
    from jominy.networks.head_training import train_head as train_head
    from jominy.networks.inputs import LabelledInputs as LabelledInputs
    from jominy.networks.inputs import digits as digits
    from jominy.networks.inputs import gaussian_classes as gaussian_classes
    from jominy.networks.inputs import noise as noise
    from jominy.networks.inputs import one_hot as one_hot
    from jominy.networks.loading import load_inputs as load_inputs
    from jominy.networks.loading import load_labels as load_labels
    from jominy.networks.loading import load_module as load_module
    from jominy.networks.loading import load_weights as load_weights
    from jominy.networks.measure import measure_adversarial_loss as measure_adversarial_loss
    from jominy.networks.measure import measure_affine_law as measure_affine_law
    from jominy.networks.measure import measure_operator_norms as measure_operator_norms
    from jominy.networks.measure import measure_radial_moments as measure_radial_moments
    from jominy.networks.measure import measure_weight_rate as measure_weight_rate
    from jominy.networks.measured_index import measure_trainability as measure_trainability
    from jominy.networks.objectives import AdversarialLoss as AdversarialLoss
    from jominy.networks.objectives import CrossEntropyPlus as CrossEntropyPlus
    from jominy.networks.objectives import MinMax as MinMax
    from jominy.networks.operator_norms import OperatorNorm as OperatorNorm
    from jominy.networks.operator_norms import operator_norm as operator_norm
    from jominy.networks.perturbations import Perturbation as Perturbation
    from jominy.networks.perturbations import strongest_perturbation as strongest_perturbation
    from jominy.networks.random_network import RandomNetwork as RandomNetwork
    from jominy.networks.robust_objectives import FGSM as FGSM
    from jominy.networks.robust_objectives import MART as MART
    from jominy.networks.robust_objectives import NetworkTRADES as NetworkTRADES
    from jominy.networks.threads import one_thread as one_thread
    from jominy.networks.training import train as train
    from jominy.networks.watch import Watch as Watch
    from jominy.networks.watch import watch as watch
    from jominy.networks.watch_rules import Alarm as Alarm
    from jominy.networks.watch_rules import Look as Look
