# `snakemake --cores all` here, or with `--snakefile workflow/Snakefile`: the same workflow.
include: "workflow/Snakefile"


# An included file keeps its default target to itself.
rule default:
    default_target: True
    input:
        rules.all.input,
    localrule: True
