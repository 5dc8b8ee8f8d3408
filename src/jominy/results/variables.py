"""Names, units and symbols of everything that a result may hold."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Variable:
    """What a variable is called, in which units it is given, and how it is written in a formula."""

    long_name: str
    units: str
    symbol: str


VARIABLES: dict[str, Variable] = {
    "adversarial_risk": Variable("adversarial risk", "1", r"$R$"),
    "clean_risk": Variable("clean risk", "1", r"$R_0$"),
    "adversarial_accuracy": Variable("adversarial accuracy", "1", r"$A_\varepsilon$"),
    "clean_accuracy": Variable("clean accuracy", "1", r"$A_0$"),
    "norm": Variable("norm of the weights", "1", r"$\|X\|$"),
    "distance_to_optimum": Variable("distance to the adversarial optimum", "1", r"$\|X - X^\circ\|$"),
    "excess_risk": Variable("excess adversarial risk", "1", r"$R - R^\circ$"),
    "alignment": Variable("alignment with the teacher", "1", r"$\cos(X, X^*)$"),
    "learning_rate": Variable("learning rate", "1", r"$\gamma$"),
    "effective_learning_rate": Variable("effective learning rate", "1", r"$\gamma_{\mathrm{eff}}$"),
    "effective_ridge": Variable("effective ridge", "input variance", r"$\lambda_{\mathrm{eff}}$"),
    "noise_inflation": Variable("noise inflation", "1", r"$\chi$"),
    "radius": Variable("radius of the attack", "l2 norm of the input", r"$\varepsilon$"),
    "objective": Variable("objective of the design at the end", "1", r"$J$"),
    "objective_excess": Variable("objective above the least possible", "1", r"$J - J^\circ$"),
    "objective_adversarial": Variable("adversarial part of the objective", "1", r"$J_\varepsilon$"),
    "objective_clean": Variable("clean part of the objective", "1", r"$J_0$"),
    "excess_ratio": Variable("excess over that of the design", "1", "ratio"),
    "best_excess": Variable("least excess at this training radius", "1", r"$J - J^\circ$"),
    "adversarial_risk_bound": Variable("certified bound of the adversarial risk", "1", r"$\bar R$"),
    "robust_radius": Variable("mean robust radius of the rows", "l2 norm of the input", r"$r$"),
    "adversarial_class_accuracy": Variable("adversarial accuracy of a class", "1", r"$A_{\varepsilon,k}$"),
    "clean_class_accuracy": Variable("clean accuracy of a class", "1", r"$A_{0,k}$"),
    "adversarial_confusion": Variable("answers to a class under attack, at the end", "1", r"$C_\varepsilon$"),
    "clean_confusion": Variable("answers to a class without an attack, at the end", "1", r"$C_0$"),
    "risk_at_radius": Variable("adversarial risk at the evaluation radius", "1", r"$R(\varepsilon)$"),
    "accuracy_at_radius": Variable("adversarial accuracy at the evaluation radius", "1", r"$A(\varepsilon)$"),
    "risk_at_attack": Variable("adversarial risk under another attack", "1", r"$R$"),
    "accuracy_at_attack": Variable("adversarial accuracy under another attack", "1", r"$A$"),
    "gaussian_adversarial_risk": Variable("adversarial risk, one Gaussian per class", "1", r"$R_G$"),
    "gaussian_adversarial_accuracy": Variable("adversarial accuracy, one Gaussian per class", "1", r"$A_G$"),
    "status": Variable("how it ended", "1", "status"),
    "numerical_error": Variable("estimated relative error of the variables", "1", "error"),
    "optimum_risk": Variable("adversarial risk of the optimum", "1", r"$R^\circ$"),
    "optimum_norm": Variable("norm of the adversarial optimum", "1", r"$\|X^\circ\|$"),
    "collapse_radius": Variable("collapse radius", "l2 norm of the input", r"$\varepsilon_0$"),
    "training_loss": Variable("objective of the training", "1", r"$L$"),
    "cross_entropy": Variable("cross-entropy", "nats", "CE"),
    "adversarial_loss": Variable("adversarial loss", "1", r"$L_{\mathrm{adv}}$"),
    "output_norm": Variable("mean norm of the output", "1", r"$\|f\|$"),
    "weight_variance": Variable("weight variance of a layer", "1", r"$\sigma_w^2$"),
    "gradient_norm": Variable("norm of the gradient in a layer", "1", r"$\|\nabla_{W_l} L\|$"),
    "fisher_rao_norm": Variable("Fisher-Rao norm", "1", r"$\|\theta\|_{\mathrm{fr}}$"),
    "jacobian_variance": Variable("variance of an entry of the Jacobian", "1", r"$\mathrm{Var}\,J_{ij}$"),
    "offset_variance": Variable("variance of an entry of the offset", "1", r"$\mathrm{Var}\,a_i$"),
    "signal_variance": Variable("variance of an entry of Jx", "1", r"$\mathrm{Var}\,(Jx)_i$"),
    "covariance": Variable("covariance of Jx and the offset", "1", r"$\mathrm{Cov}((Jx)_i, a_i)$"),
    "output_variance": Variable("variance of an output", "1", r"$\mathrm{Var}\,f_i$"),
    "operator_norm": Variable("operator norm of the Jacobian", "1", r"$\|J\|_{p,q}$"),
    "weight_variance_rate": Variable("rate of the weight variance", "1 / time", r"$\dot\sigma_w^2$"),
    "radial_covariance": Variable("covariance of output and radial derivative", "1", r"$E f\,\dot f$"),
    "radial_variance": Variable("variance of the radial derivative", "1", r"$E\,\dot f^2$"),
    "trainability_index": Variable("trainability index", "1", r"$\tau$"),
    "collapse_time": Variable("collapse time of the adversarial loss", "learning rate x width x steps", r"$t_L$"),
    "signal_time": Variable("learning time without adversary", "learning rate x width x steps", r"$t_{sig}$"),
    "signal_rate": Variable("initial rate of the cross-entropy", "1 / time", r"$R$"),
    "gradient_power": Variable("population gradient of the adversarial loss, squared", "1", r"$g^2$"),
    "chi": Variable("what is learnt first over what the attack takes from it", "1", r"$a / w$"),
    "label_signal": Variable("label signal of the function learnt first", "outputs / length of the step", r"$a$"),
    "attack_part": Variable("what the attack takes from it", "outputs / length of the step", r"$w$"),
    "radius_over_distance": Variable("radius over the distance to the nearest other class", "1", r"$\varepsilon / d$"),
    "total_gain": Variable("total gain of the layers", "1", r"$\omega^L$"),
    "effective_dimension": Variable("effective dimension of the Jacobian's rows", "1", r"$d_{\mathrm{eff}}$"),
    "adversarial_loss_bound": Variable("bound of the adversarial loss", "1", r"$L_{\mathrm{adv}}$ bound"),
    "longest_time": Variable(
        "time until the signal is lost, weight-variance law", "learning rate x steps", r"$T_{\max}$"
    ),
    "sample_horizon": Variable("horizon of the laws, one input", "learning rate x steps", r"$t_1$"),
    "population_horizon": Variable("horizon of the laws, many inputs", "learning rate x steps", r"$t_L$"),
    "slowdown": Variable("slowdown by the adversary", "1", "slowdown"),
    "learning_time": Variable("learning time", "learning rate x width x steps", r"$T_{\mathrm{learn}}$"),
    "training_score": Variable("training time over learning time", "1", "score"),
    "safe_width": Variable("smallest safe width", "1", r"$N_{\mathrm{safe}}$"),
    "safe_depth": Variable("largest safe depth, up to 100", "1", r"$L_{\mathrm{safe}}$"),
    "safe_radius": Variable("largest safe radius", "norm of the attack", r"$\varepsilon_{\mathrm{safe}}$"),
}

COORDINATES: dict[str, Variable] = {
    "time": Variable("time", "samples / dimension", r"$t$"),
    "schedule": Variable("schedule", "1", "schedule"),
    "alternative": Variable("way to train", "1", "alternative"),
    "training_radius": Variable("radius of the attack in training", "l2 norm of the input", r"$\varepsilon$"),
    "point": Variable("point of a sweep", "1", "point"),
    "parameter": Variable("number differentiated by", "1", "parameter"),
    "seed": Variable("seed", "1", "seed"),
    "class": Variable("class", "1", "class"),
    "true_class": Variable("class of the rows", "1", "class"),
    "predicted_class": Variable("class that is answered", "1", "answer"),
    "quantile": Variable("quantile of single runs", "1", "quantile"),
    "evaluation_attack": Variable("attack and radius at evaluation", "1", "attack"),
    "evaluation_radius": Variable("radius of the attack at evaluation", "l2 norm of the input", r"$\varepsilon$"),
    "variable": Variable("variable", "1", "variable"),
    "layer": Variable("layer, counted from 1", "1", r"$l$"),
    "step": Variable("training step", "1", "step"),
    "p": Variable("norm of the perturbation", "1", r"$p$"),
    "q": Variable("norm of the change of the output", "1", r"$q$"),
    "network": Variable("seed of the network", "1", "network"),
    "depth": Variable("depth, hidden layers", "1", r"$L$"),
    "width": Variable("width, units per layer", "1", r"$N$"),
    "input_dim": Variable("input dimension", "1", r"$d$"),
    "output_dim": Variable("output dimension", "1", r"$K$"),
    "bias_variance": Variable("bias variance", "1", r"$\sigma_b^2$"),
    "shortcut": Variable("shortcuts", "1", "shortcuts"),
    "adversarial_weight": Variable("weight of the adversarial loss", "1", r"$\lambda$"),
}

# What `compare` reports about each variable; their units are those of the variable compared, or none.
COMPARISON: dict[str, Variable] = {
    "forecast": Variable("forecast", "units of the variable", "forecast"),
    "mean": Variable("mean over seeds", "units of the variable", "mean"),
    "standard_error": Variable("standard error of the mean", "units of the variable", "s.e."),
    "difference": Variable("forecast minus mean", "units of the variable", "difference"),
    "z": Variable("difference in standard errors", "1", r"$z$"),
    "largest_z": Variable("largest difference in standard errors", "1", r"$\max |z|$"),
    "largest_relative_error": Variable("largest relative error", "1", "largest relative error"),
    "rms_relative_error": Variable("root-mean-square relative error", "1", "rms relative error"),
}

_HELD_OUT = "held_out_"
_SUFFIXES = {
    "_slope": "derivative of the {} with respect to the parameter",
    "_sd": "standard deviation over runs of the {}",
    "_bias": "finite-dimension bias of the {}",
    "_standard_error": "standard error of the mean over runs of the {}",
    "_quantile": "quantiles over runs of the {}",
}


def describe_variable(name: str) -> Variable:
    """Look up a variable, a coordinate, or a name derived from one; ``KeyError`` for a name outside the schema.

    Derived names are ``held_out_<name>``, ``<name>_sd``, ``<name>_bias``, ``<name>_slope``, ``<name>_standard_error``
    and ``<name>_quantile``.

    Examples
    --------
    >>> describe_variable("held_out_adversarial_risk_sd").long_name
    'standard deviation over runs of the held-out adversarial risk'
    """
    known = VARIABLES.get(name) or COORDINATES.get(name) or COMPARISON.get(name)
    if known is not None:
        return known
    for suffix, phrase in _SUFFIXES.items():
        if name.endswith(suffix):
            base = describe_variable(name.removesuffix(suffix))
            return replace(base, long_name=phrase.format(base.long_name))
    if name.startswith(_HELD_OUT):
        base = describe_variable(name.removeprefix(_HELD_OUT))
        return replace(base, long_name=f"held-out {base.long_name}")
    raise KeyError(f"{name!r} is not a variable of the result schema; add it to VARIABLES")


def is_variable(name: str) -> bool:
    """Whether the schema knows a variable, a coordinate or a name derived from one.

    >>> is_variable("norm_sd"), is_variable("mine")
    (True, False)
    """
    try:
        describe_variable(name)
    except KeyError:
        return False
    return True
