# Everything right of the rows: no torch, and every step reads only the files of the step before.

TABLES = [
    "cross_validation",
    "gradient_by_lag",
    "gradient_slopes",
    "jacobian_by_lag",
    "learning_curves",
    "learning_rate_search",
    "parameters",
    "probe_scalars",
    "references",
    "replicas",
    "simulations",
    "test_results",
    "timings",
]
FIGURES = catalog.names("figures")


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
        code=provenance.fingerprint_of("tables"),
        rows=lambda wildcards, input: folder(input.rows),
        out=lambda wildcards, output: folder(output),
    shell:
        "rnnlimits table --config {input.config:q} --rows {params.rows:q} --out {params.out:q} > {log:q} 2>&1"


rule draw:
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
        f"{RESULTS}/logs/draw.log",
    conda:
        ENVIRONMENT
    threads: 2  # nothing else is left to do
    params:
        code=provenance.fingerprint_of("figures"),
        tables=lambda wildcards, input: folder(input),
        out=lambda wildcards, output: folder(output.svg),
    shell:
        "rnnlimits draw --tables {params.tables:q} --out {params.out:q} --processes {threads} > {log:q} 2>&1"


rule judge:
    input:
        rows=rows_of(SHARDS),
        config=CONFIG_FILE,
        claims=CONFIG.claims_path or [],
    output:
        report(
            f"{RESULTS}/claims.csv",
            caption="../report/claims.rst",
            category="Verdicts",
            labels={"table": "published claims"},
        ),
    log:
        f"{RESULTS}/logs/judge.log",
    conda:
        ENVIRONMENT
    params:
        code=provenance.fingerprint_of("claims", "claim_form"),
        rows=lambda wildcards, input: folder(input.rows),
    shell:
        "rnnlimits judge --config {input.config:q} --rows {params.rows:q} --out {output:q} > {log:q} 2>&1"


rule report:
    input:
        rows=rows_of(SHARDS),
        config=CONFIG_FILE,
        tables=rules.table.output,
        figures=rules.draw.output.svg,
        claims=rules.judge.output,
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
        code=provenance.fingerprint_of("report", "templates"),
        rows=lambda wildcards, input: folder(input.rows),
        tables=lambda wildcards, input: folder(input.tables),
        figures=lambda wildcards, input: folder(input.figures),
    shell:
        "rnnlimits report --config {input.config:q} --rows {params.rows:q} --tables {params.tables:q} "
        "--figures {params.figures:q} --claims {input.claims:q} --out {output:q} > {log:q} 2>&1"
