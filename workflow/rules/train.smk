# One job trains all seeds and learning rates of one shard and writes one rows file.  The weights that it keeps
# lie beside it and are no output: rows from elsewhere are whole without them, and are not trained again for them.


rule train:
    input:
        # Only the refit of a cross-validation reads other shards' rows.
        rows=lambda wildcards: rows_of(SHARDS[wildcards.shard].needs),
    output:
        f"{RESULTS}/rows/{{shard}}.parquet",
    log:
        f"{RESULTS}/logs/{{shard}}.log",
    # The long ones first, so that no core waits for one of them at the end.
    priority: lambda wildcards: SHARDS[wildcards.shard].cost
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=lambda wildcards: pipeline.gpus(CONFIG, SHARDS, wildcards.shard),
        mem_mb=lambda wildcards, attempt: attempt
        * pipeline.mem_mb(CONFIG, SHARDS, wildcards.shard),
        # Here and not in params: another number changes no result.
        jobs_per_gpu=CONFIG.jobs_per_gpu,
        memory_mb=CONFIG.memory_mb or 0,
        checkpoint_every_s=CONFIG.checkpoint_every_s or 0,
        checkpoint_elsewhere=CONFIG.checkpoint_elsewhere,
        log_as=CONFIG.log,
        keep_weights=lambda wildcards: pipeline.keep_weights(
            CONFIG, SHARDS, wildcards.shard
        ),
        runtime=lambda wildcards, attempt: pipeline.runtime(
            CONFIG, SHARDS, wildcards.shard, attempt
        ),
    params:
        spec=lambda wildcards: SHARDS[wildcards.shard].to_json(),
        # Snakemake cannot see edits inside a package, so this makes it notice them; the job refuses other code.
        code=lambda wildcards: planned.code(SHARDS[wildcards.shard]),
        machine=lambda wildcards: pipeline.machine_options(
            CONFIG, SHARDS, wildcards.shard
        ),
        rows=lambda wildcards, output: folder(output),
        # No output: Snakemake removes outputs before every attempt, and a later attempt goes on from these.
        checkpoints=f"{RESULTS}/checkpoints",
        metrics=f"{RESULTS}/metrics/{{shard}}",
    shell:
        "rnnlimits train --spec {params.spec:q} --code {params.code:q} {params.machine:q}"
        " --jobs-per-gpu {resources.jobs_per_gpu} --memory-mb {resources.memory_mb}"
        " --checkpoints {params.checkpoints:q} --checkpoint-every {resources.checkpoint_every_s}"
        " --checkpoint-elsewhere {resources.checkpoint_elsewhere}"
        " --log {params.metrics:q} --log-as {resources.log_as} --rows {params.rows:q}"
        " --keep-weights {resources.keep_weights} --out {output:q} > {log:q} 2>&1"


# A long shard (`split_hours`) is trained in parts by seed, each a job of its own, and joined to the same rows.
ruleorder: join_parts > train


rule train_part:
    output:
        # Gone once they are joined: of rows that are there, Snakemake does not miss them.
        temp(f"{RESULTS}/parts/{{shard}}/seeds_{{seeds}}.trained"),
    log:
        f"{RESULTS}/logs/{{shard}}.seeds_{{seeds}}.log",
    priority: lambda wildcards: PARTS[wildcards.shard][wildcards.seeds].trained.cost
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt
        * part_plan.mem_mb(CONFIG, PARTS[wildcards.shard][wildcards.seeds]),
        memory_mb=CONFIG.memory_mb or 0,
        checkpoint_every_s=CONFIG.checkpoint_every_s or 0,
        checkpoint_elsewhere=CONFIG.checkpoint_elsewhere,
        log_as=CONFIG.log,
        runtime=lambda wildcards, attempt: part_plan.runtime(
            CONFIG, PARTS[wildcards.shard][wildcards.seeds], attempt
        ),
    params:
        spec=lambda wildcards: SHARDS[wildcards.shard].to_json(),
        code=lambda wildcards: planned.code(SHARDS[wildcards.shard]),
        machine=lambda wildcards: pipeline.machine_options(
            CONFIG, SHARDS, wildcards.shard
        ),
        checkpoints=f"{RESULTS}/checkpoints",
        metrics=f"{RESULTS}/metrics/{{shard}}.seeds_{{seeds}}",
    shell:
        "rnnlimits train --spec {params.spec:q} --seeds {wildcards.seeds:q} --code {params.code:q} {params.machine:q}"
        " --memory-mb {resources.memory_mb}"
        " --checkpoints {params.checkpoints:q} --checkpoint-every {resources.checkpoint_every_s}"
        " --checkpoint-elsewhere {resources.checkpoint_elsewhere}"
        " --log {params.metrics:q} --log-as {resources.log_as} --out {output:q} > {log:q} 2>&1"


rule join_parts:
    input:
        lambda wildcards: part_plan.files(CONFIG, PARTS[wildcards.shard]),
    output:
        f"{RESULTS}/rows/{{shard}}.parquet",
    log:
        f"{RESULTS}/logs/{{shard}}.log",
    wildcard_constraints:
        shard=part_plan.names(PARTS),
    priority: lambda wildcards: SHARDS[wildcards.shard].cost
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt
        * pipeline.mem_mb(CONFIG, SHARDS, wildcards.shard),
        memory_mb=CONFIG.memory_mb or 0,
        keep_weights=lambda wildcards: pipeline.keep_weights(
            CONFIG, SHARDS, wildcards.shard
        ),
        runtime=lambda wildcards, attempt: part_plan.runtime_of_joining(
            CONFIG, SHARDS[wildcards.shard], attempt
        ),
    params:
        spec=lambda wildcards: SHARDS[wildcards.shard].to_json(),
        code=lambda wildcards: planned.code(SHARDS[wildcards.shard]),
        machine=lambda wildcards: pipeline.machine_options(
            CONFIG, SHARDS, wildcards.shard
        ),
        parts=lambda wildcards, input: [f"--part={part}" for part in input],
    shell:
        "rnnlimits train --spec {params.spec:q} {params.parts:q} --code {params.code:q} {params.machine:q}"
        " --memory-mb {resources.memory_mb} --keep-weights {resources.keep_weights}"
        " --out {output:q} > {log:q} 2>&1"
