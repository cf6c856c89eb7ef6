"""A job that is disturbed in whatever way ends with the rows that an undisturbed local run gives."""

import signal

from support.cluster import PATIENCE_S, SLURM, Submitted, crash, job_facts, slurm, wait_for

URGENT = ("sbatch", "--parsable", "--partition", "urgent", "--exclusive", "--output", "/dev/null")


def test_the_smoke_config_gives_the_rows_of_a_local_run(submitted, local_smoke):
    submitted.start(config="config/smoke.yaml", partition="many")
    submitted.finish()
    assert submitted.digests() == local_smoke
    jobs = {facts["slurm_job"] for facts in submitted.provenance().values()}
    assert len(jobs) == len(local_smoke) > 30
    assert {facts["slurm_node"] for facts in submitted.provenance().values()} <= {"n7", "n8"}


def test_one_allocation_with_a_local_snakemake_inside_gives_the_same_rows(submitted, local_one):
    (target,) = submitted.targets()
    command = f"snakemake --cores 2 {target} --configfile config/tested.yaml"
    # The line of docs/cluster.md; --wait is for the test.
    slurm(
        *("sbatch", "--wait", "--cpus-per-task", "2", "--time", "30", "--output", "allocation.log"),
        *("--chdir", str(submitted.folder), "--wrap", command),
    )
    assert submitted.digests() == local_one
    (facts,) = submitted.provenance().values()
    assert facts["prefork"]
    assert facts["slurm_node"] in ("n1", "n2")


def test_a_cancelled_job_is_submitted_again(submitted, local_one):
    submitted.start()
    caught = submitted.trainer()
    caught.pause()
    slurm("scancel", caught.job)
    assert "SLURM status is: 'CANCELLED'" in submitted.finish()
    assert submitted.digests() == local_one
    assert resumed(submitted)
    assert last_job(submitted) != caught.job


def test_a_job_over_its_time_limit_is_submitted_again_with_twice_the_time(submitted, local_one):
    submitted.start()
    caught = submitted.trainer()
    caught.pause()  # as if the file system hung
    asked = minutes(job_facts(caught.job)["TimeLimit"])
    slurm("scontrol", "update", f"JobId={caught.job}", "TimeLimit=1")
    assert "SLURM status is: 'TIMEOUT'" in submitted.finish()
    assert submitted.digests() == local_one
    assert resumed(submitted)
    assert minutes(job_facts(last_job(submitted))["TimeLimit"]) == 2 * asked


def test_a_preempted_job_is_requeued_and_ends_under_its_number(submitted, local_one):
    submitted.start(partition="requeued")
    caught = submitted.trainer()
    caught.pause()
    slurm(*URGENT, "--nodelist", caught.node, "--wrap", "sleep 1")
    submitted.finish()
    assert submitted.digests() == local_one
    assert resumed(submitted)
    assert last_job(submitted) == caught.job
    assert job_facts(caught.job)["Restarts"] == "1"


def test_where_preempted_jobs_are_cancelled_an_interrupted_run_is_started_again(submitted, local_one):
    submitted.start(partition="cancelled")
    caught = submitted.trainer()
    caught.pause()
    slurm(*URGENT, "--nodelist", caught.node, "--wrap", "sleep 1")
    # The executor waits for SLURM to take the job up again, which it never does; the user is told.
    wait_for(lambda: "A Job preemption" in submitted.log.read_text(), "Snakemake tells of the preemption")
    assert job_facts(caught.job)["JobState"] == "PREEMPTED"
    submitted.main.send_signal(signal.SIGINT)
    submitted.main.wait(PATIENCE_S)
    submitted.start(partition="cancelled")
    submitted.finish()
    assert submitted.digests() == local_one
    assert resumed(submitted)
    assert last_job(submitted) != caught.job


def test_the_jobs_of_a_node_that_goes_down_run_on_another(submitted, local_one):
    submitted.start(partition="fragile")
    caught = submitted.trainer()
    try:
        crash(caught.node)
        submitted.finish()
        assert submitted.digests() == local_one
        assert resumed(submitted)
        (facts,) = submitted.provenance().values()
        assert (facts["slurm_job"], facts["slurm_node"]) == (
            caught.job,
            {"n3": "n4", "n4": "n3"}[caught.node],
        )
    finally:
        slurm(str(SLURM), "start")


def test_after_the_submitting_process_was_killed_its_job_goes_on_and_the_next_run_takes_its_rows(
    submitted, local_one
):
    submitted.start()
    caught = submitted.trainer()
    caught.pause()
    submitted.main.send_signal(signal.SIGKILL)
    submitted.main.wait()
    submitted.start()
    wait_for(lambda: "waiting for its end" in submitted.said, "a second job waits for the first")
    caught.go_on()
    submitted.finish()
    assert "nothing is left to do" in submitted.said
    assert submitted.digests() == local_one
    assert last_job(submitted) == caught.job


def resumed(submitted: Submitted) -> bool:
    """Did the training go on where the disturbed one had come to?"""
    (facts,) = submitted.provenance().values()
    return bool(facts["resumed_from_updates"])


def last_job(submitted: Submitted) -> str:
    (facts,) = submitted.provenance().values()
    return facts["slurm_job"]


def minutes(limit: str) -> int:
    """
    >>> minutes("01:05:00")
    65
    """
    hours, after, _ = limit.split(":")
    return 60 * int(hours) + int(after)
