"""Intervals over seeds: Student's t for means, the bootstrap for medians, Wilson's and exact ones for shares.

Of intervals called 95 %, so many hold the true value on the per-seed results of our own archives, in percent:

    seeds                                3     5    10    20
    percentile bootstrap of the mean    74    83    90    93
    Student's t, on the scale of `of`   93    94    95    95

tests/analysis/test_statistics.py simulates it.  Where some seeds solve a task and others do not, a mean
describes neither and no interval of it holds: see `mixtures`.
"""

from rnnlimits.analysis.statistics.intervals import CONFIDENCE as CONFIDENCE
from rnnlimits.analysis.statistics.intervals import NOTHING as NOTHING
from rnnlimits.analysis.statistics.intervals import Interval as Interval
from rnnlimits.analysis.statistics.intervals import difference as difference
from rnnlimits.analysis.statistics.intervals import mean as mean
from rnnlimits.analysis.statistics.intervals import mean_intervals as mean_intervals
from rnnlimits.analysis.statistics.intervals import quotient as quotient
from rnnlimits.analysis.statistics.medians import difference_of_medians as difference_of_medians
from rnnlimits.analysis.statistics.medians import median as median
from rnnlimits.analysis.statistics.medians import quotient_of_medians as quotient_of_medians
from rnnlimits.analysis.statistics.shares import exact_share as exact_share
from rnnlimits.analysis.statistics.shares import fisher as fisher
from rnnlimits.analysis.statistics.shares import share as share
from rnnlimits.analysis.statistics.shares import share_difference as share_difference
