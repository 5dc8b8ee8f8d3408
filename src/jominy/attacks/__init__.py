"""Attacks: what an adversary may add to an input, one file a kind."""

from jominy.attacks.base import Attack as Attack
from jominy.attacks.base import NormalReach as NormalReach
from jominy.attacks.base import Reach as Reach
from jominy.attacks.blocks import BlockL2 as BlockL2
from jominy.attacks.l2 import L2 as L2
from jominy.attacks.linf import LInf as LInf
from jominy.attacks.lp import Lp as Lp
from jominy.attacks.mahalanobis import Mahalanobis as Mahalanobis
