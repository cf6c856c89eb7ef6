"""The wall time of many jobs on a few cores."""

import random

import pytest

from rnnlimits.planning.longest_first import wall_seconds


@pytest.mark.parametrize("cores", [1, 2, 7])
def test_longest_first_is_near_the_best_that_any_order_could_do(cores):
    drawn = random.Random(0)
    jobs = {f"job{number}": drawn.expovariate(1) for number in range(60)}
    wall, best = wall_seconds(jobs, {}, cores), max(*jobs.values(), sum(jobs.values()) / cores)
    # Graham (1969): never more than a third above the best.
    assert best <= wall * (1 + 1e-12)
    assert wall <= 4 / 3 * best + 1e-9


def test_a_job_waits_for_what_it_needs_however_many_cores_there_are():
    jobs = {"first": 1.0, "second": 2.0, "third": 4.0}
    assert wall_seconds(jobs, {"second": ["first"], "third": ["second"]}, cores=9) == 7
    # What is not among the jobs is there already.
    assert wall_seconds(jobs, {"third": ["measured before"]}, cores=9) == 4


def test_no_jobs_take_no_time():
    assert wall_seconds({}, {}, cores=2) == 0
