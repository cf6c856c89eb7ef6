# Everything right of the rows: no torch, and every step reads only the files of the step before.

TABLES = catalog.tables()
FIGURES = catalog.names("figures")
# What verdicts rest on, beside the page.
DETAILS = ["evidence", "fairness", "findings", "sensitivity"]


rule table:
    input:
        rows=rows_of(SHARDS),
        config=CONFIG_FILE,
    output:
        [
            report(
                f"{RESULTS}/tables/{name}.csv",
                caption="../report/table.rst",
                category="Tables",
                labels={"table": name},
            )
            for name in TABLES
        ],
    log:
        f"{RESULTS}/logs/table.log",
    conda:
        ENVIRONMENT
    params:
        planned=planned.of(CONFIG, "tables"),
        rows=lambda wildcards, input: folder(input.rows),
        out=lambda wildcards, output: folder(output),
    shell:
        "rnnlimits table --config {input.config:q} --rows {params.rows:q} --planned {params.planned:q}"
        " --out {params.out:q} > {log:q} 2>&1"


rule plot:
    input:
        rules.table.output,
    output:
        svg=[
            report(
                f"{RESULTS}/figures/{name}.svg",
                caption="../report/figure.rst",
                category="Figures",
                labels={"figure": name, "shows": catalog.summary("figures", name)},
            )
            for name in FIGURES
        ],
        png=expand(f"{RESULTS}/figures/{{figure}}.png", figure=FIGURES),
    log:
        f"{RESULTS}/logs/plot.log",
    conda:
        ENVIRONMENT
    threads: 2  # nothing else is left to do
    params:
        planned=planned.of(None, "figures"),
        tables=lambda wildcards, input: folder(input),
        out=lambda wildcards, output: folder(output.svg),
    shell:
        "rnnlimits plot --tables {params.tables:q} --planned {params.planned:q} --processes {threads}"
        " --out {params.out:q} > {log:q} 2>&1"


rule judge:
    input:
        rows=rows_of(SHARDS),
        config=CONFIG_FILE,
        claims=CONFIG.claims_path or [],
    output:
        claims=report(
            f"{RESULTS}/claims.csv",
            caption="../report/claims.rst",
            category="Verdicts",
            labels={"table": "published claims"},
        ),
        document=f"{RESULTS}/claims.json",
        details=expand(f"{RESULTS}/verdicts/{{detail}}.csv", detail=DETAILS),
    log:
        f"{RESULTS}/logs/judge.log",
    conda:
        ENVIRONMENT
    params:
        planned=planned.of(CONFIG, "claims"),
        rows=lambda wildcards, input: folder(input.rows),
        details=lambda wildcards, output: folder(output.details),
    shell:
        "rnnlimits judge --config {input.config:q} --rows {params.rows:q} --planned {params.planned:q}"
        " --out {output.claims:q} --details {params.details:q} > {log:q} 2>&1"


rule verdicts:
    input:
        config=CONFIG_FILE,
        claims=rules.judge.output.claims,
        details=rules.judge.output.details,
    output:
        page=report(
            f"{RESULTS}/verdicts.html",
            caption="../report/verdicts.rst",
            category="Verdicts",
            labels={"page": "every claim, with its figure"},
        ),
        figures=directory(f"{RESULTS}/verdicts/figures"),
    log:
        f"{RESULTS}/logs/verdicts.log",
    conda:
        ENVIRONMENT
    params:
        planned=planned.of(CONFIG, "verdicts"),
        details=lambda wildcards, input: folder(input.details),
    shell:
        "rnnlimits verdicts --config {input.config:q} --planned {params.planned:q}"
        " --claims {input.claims:q} --details {params.details:q} --figures {output.figures:q}"
        " --out {output.page:q} > {log:q} 2>&1"


# One claim, with the jobs that it rests on and no others: `snakemake RESULTS/verdicts/C3.html`.
rule one_verdict:
    input:
        rows=lambda wildcards: rows_of(pipeline.behind(CONFIG, SHARDS, wildcards.claim)),
        config=CONFIG_FILE,
        claims=CONFIG.claims_path or [],
    output:
        f"{RESULTS}/verdicts/{{claim}}.html",
    log:
        f"{RESULTS}/logs/verdict.{{claim}}.log",
    conda:
        ENVIRONMENT
    params:
        judge=planned.of(CONFIG, "claims"),
        planned=planned.of(CONFIG, "verdicts"),
        rows=lambda wildcards, input: folder(input.rows),
        details=f"{RESULTS}/verdicts/only/{{claim}}",
    shell:
        "(rnnlimits judge --config {input.config:q} --rows {params.rows:q} --only {wildcards.claim:q}"
        " --planned {params.judge:q} --out {params.details:q}/claims.csv --details {params.details:q}"
        " && rnnlimits verdicts --config {input.config:q} --planned {params.planned:q}"
        " --claims {params.details:q}/claims.csv --details {params.details:q} --figures {params.details:q}"
        " --out {output:q}) > {log:q} 2>&1"


rule report:
    input:
        rows=rows_of(SHARDS),
        config=CONFIG_FILE,
        tables=rules.table.output,
        figures=rules.plot.output.svg,
        claims=rules.judge.output.claims,
    output:
        report(
            f"{RESULTS}/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"page": "the whole report"},
        ),
    log:
        f"{RESULTS}/logs/report.log",
    conda:
        ENVIRONMENT
    params:
        planned=planned.of(CONFIG, "report"),
        rows=lambda wildcards, input: folder(input.rows),
        tables=lambda wildcards, input: folder(input.tables),
        figures=lambda wildcards, input: folder(input.figures),
    shell:
        "rnnlimits report --config {input.config:q} --rows {params.rows:q} --planned {params.planned:q}"
        " --tables {params.tables:q} --figures {params.figures:q} --claims {input.claims:q}"
        " --out {output:q} > {log:q} 2>&1"
