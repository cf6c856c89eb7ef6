"""What one part of a claim finds in some rows, for the tests of claims."""

from synthetic_rows import frame, probed, shard

from rnnlimits import claims, statistics
from rnnlimits.claims.selection import plan_of

ERROR = {"split": "test", "metric": "mean_squared_error"}
SLOPE = {"stage": "initial", "metric": "gradient_slope"}


def findings(part, rows, planned=None):
    """One finding a cell; `planned` adds the shards of other rows to what was to run."""
    plan = plan_of(frame(rows + (planned or [])))
    return list(claims.evidence({"study": "memory", **part}, frame(rows), plan, statistics.CONFIDENCE))


def verdict(part, rows, planned=None):
    return claims.combine([finding.verdict for finding in findings(part, rows, planned)])


def two(elman, lstm, metric="gradient_slope"):
    """One measurement of two variants."""
    return probed(shard(), metric, elman) + probed(shard(variant="lstm"), metric, lstm)
