"""`python -m rnnlimits.cli` is `rnnlimits`."""

from rnnlimits.cli import main

main()
