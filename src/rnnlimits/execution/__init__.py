"""One job on a machine, and what Snakemake asks for.

    job             one job at work: from the lock on its rows file to the rows
    loaded_code     the code that it runs is the code that was planned
    gpu_slots       which GPU a job takes
    out_of_memory   what a job says when its memory does not suffice
    options         options that several commands take
    reading         what a command right of the rows reads: config and rows, as they were planned
    planned_rows    which rows files a command reads, and whether a job's are there already
    pipeline        what the Snakefile asks: which config, which jobs, what each of them needs
    run_lock        one run at a time in a results folder
    run_events      what of Snakemake's words a person sees
    run_progress    how far a run is, and when it will be done
    status_line     the line that says so
    outcome         the last lines: verdicts, minutes, the page to open
    prefork         the import server, which imports torch once for all jobs of a run, seen from a job
    prefork_server  the import server itself

Never torch before a job starts, never pandas; nothing here can change a number.
"""
