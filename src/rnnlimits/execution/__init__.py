"""One job on a machine, and what Snakemake asks for: locks, GPUs, memory, imports paid once.

Never torch before a job starts, never pandas; nothing here can change a number."""
