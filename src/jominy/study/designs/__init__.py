"""Which points a study looks at: ranges of fields, and grids, lists or scattered points over them."""

from jominy.study.designs.layouts import Design as Design
from jominy.study.designs.layouts import Grid as Grid
from jominy.study.designs.layouts import LowDiscrepancy as LowDiscrepancy
from jominy.study.designs.layouts import RandomPoints as RandomPoints
from jominy.study.designs.layouts import Zipped as Zipped
from jominy.study.designs.ranges import Linear as Linear
from jominy.study.designs.ranges import Logarithmic as Logarithmic
