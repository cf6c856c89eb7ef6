"""One file per measurement on a model that is not a training metric, taken in float64."""
