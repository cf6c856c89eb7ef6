"""The units of what a training measures of itself; those of a task's scores stand with the task."""

UNITS = {
    "updates_to_solve": "updates",
    "best_update": "updates",
    "solved": "share",
    "gradient_norm_median": "gradient norm before clipping",
    "gradient_norm_p99": "gradient norm before clipping",
    "gradient_norm_max": "gradient norm before clipping",
}
