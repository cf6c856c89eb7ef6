from rnnlimits.public import compare as compare
from rnnlimits.public import gradient_reach as gradient_reach
from rnnlimits.public import input_sensitivity as input_sensitivity
from rnnlimits.public import jacobian_spectrum as jacobian_spectrum
from rnnlimits.public import load as load
from rnnlimits.public import lyapunov as lyapunov
from rnnlimits.public import parameter_gradient as parameter_gradient

__version__: str
