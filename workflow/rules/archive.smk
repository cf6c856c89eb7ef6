# The rows of record: one committed file, from which everything to the right can be rebuilt without torch.


rule archive:
    input:
        rows=rows_of(SHARDS),
        config=CONFIG_FILE,
        tables=rules.table.output,
        figures=rules.plot.output.svg,
        claims=[rules.judge.output.claims, rules.judge.output.document],
        verdicts=rules.verdicts.output.page,
    output:
        rows=f"{ARCHIVE}/rows.parquet",
        tables=expand(f"{ARCHIVE}/tables/{{table}}.csv", table=TABLES),
        figures=expand(f"{ARCHIVE}/figures/{{figure}}.svg", figure=FIGURES),
        claims=[f"{ARCHIVE}/claims.csv", f"{ARCHIVE}/claims.json"],
        verdicts=f"{ARCHIVE}/verdicts.html",
    log:
        f"{RESULTS}/logs/archive.log",
    conda:
        ENVIRONMENT
    params:
        planned=planned.of(CONFIG),
        rows=lambda wildcards, input: folder(input.rows),
        tables=lambda wildcards, output: folder(output.tables),
        figures=lambda wildcards, output: folder(output.figures),
        claims=lambda wildcards, output: folder(output.claims),
    shell:
        "(rnnlimits archive --config {input.config:q} --rows {params.rows:q} --planned {params.planned:q}"
        " --out {output.rows:q}"
        " && cp {input.tables:q} {params.tables:q} && cp {input.figures:q} {params.figures:q}"
        " && cp {input.claims:q} {params.claims:q} && cp {input.verdicts:q} {output.verdicts:q}) > {log:q} 2>&1"


use rule table as table_from_archive with:
    input:
        rows=f"{ARCHIVE}/rows.parquet",
        config=CONFIG_FILE,
    output:
        expand(f"{REBUILT}/tables/{{table}}.csv", table=TABLES),
    log:
        f"{REBUILT}/logs/table.log",
    params:
        planned=planned.of(CONFIG, "tables"),
        rows=lambda wildcards, input: input.rows,
        out=lambda wildcards, output: folder(output),


use rule plot as plot_from_archive with:
    input:
        rules.table_from_archive.output,
    output:
        svg=expand(f"{REBUILT}/figures/{{figure}}.svg", figure=FIGURES),
        png=expand(f"{REBUILT}/figures/{{figure}}.png", figure=FIGURES),
    log:
        f"{REBUILT}/logs/plot.log",


use rule judge as judge_from_archive with:
    input:
        rows=f"{ARCHIVE}/rows.parquet",
        config=CONFIG_FILE,
        claims=CONFIG.claims_path or [],
    output:
        claims=f"{REBUILT}/claims.csv",
        document=f"{REBUILT}/claims.json",
        details=expand(f"{REBUILT}/verdicts/{{detail}}.csv", detail=DETAILS),
    log:
        f"{REBUILT}/logs/judge.log",
    params:
        planned=planned.of(CONFIG, "claims"),
        rows=lambda wildcards, input: input.rows,
        details=lambda wildcards, output: folder(output.details),


use rule verdicts as verdicts_from_archive with:
    input:
        config=CONFIG_FILE,
        claims=rules.judge_from_archive.output.claims,
        details=rules.judge_from_archive.output.details,
    output:
        page=f"{REBUILT}/verdicts.html",
        figures=directory(f"{REBUILT}/verdicts/figures"),
    log:
        f"{REBUILT}/logs/verdicts.log",


use rule report as report_from_archive with:
    input:
        rows=f"{ARCHIVE}/rows.parquet",
        config=CONFIG_FILE,
        tables=rules.table_from_archive.output,
        figures=rules.plot_from_archive.output.svg,
        claims=rules.judge_from_archive.output.claims,
    output:
        f"{REBUILT}/report.html",
    log:
        f"{REBUILT}/logs/report.log",
    params:
        planned=planned.of(CONFIG, "report"),
        rows=lambda wildcards, input: input.rows,
        tables=lambda wildcards, input: folder(input.tables),
        figures=lambda wildcards, input: folder(input.figures),


rule from_archive:
    input:
        rules.report_from_archive.output,
        rules.verdicts_from_archive.output,
