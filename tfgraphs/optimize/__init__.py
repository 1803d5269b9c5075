"""The one loop: a loss and an optimizer in, reports out."""

from tfgraphs.optimize.lbfgs import LBFGS as LBFGS
from tfgraphs.optimize.lbfgs import LBFGSError as LBFGSError
from tfgraphs.optimize.losses import Loss as Loss
from tfgraphs.optimize.losses import NonFiniteLoss as NonFiniteLoss
from tfgraphs.optimize.minimize import Minimization as Minimization
from tfgraphs.optimize.minimize import minimize as minimize
from tfgraphs.optimize.optimizers import OptimizerError as OptimizerError
from tfgraphs.optimize.reports import CheckpointError as CheckpointError
from tfgraphs.optimize.reports import Report as Report
