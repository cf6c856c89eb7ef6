# Snakemake runs this inside the conda environment it has made from environment.yml; the pins are there already.
pip install --no-deps --no-build-isolation --editable .
