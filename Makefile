# Two commands matter: `make results` and `make test`.  Both make .venv first, when it is not there or the lock has changed.

PYTHON ?= python3
CORES ?= all
# An index with another build of torch than PyPI's (on Linux: the small one without CUDA); pytorch.org/get-started names them.
TORCH_INDEX ?=

LOCK := requirements.lock
# The stamp is written last and named after the lock, so neither an interrupted nor an outdated environment counts as made.
STAMP := made-from-$(shell cksum $(LOCK) | tr ' ' '-')
FULL := .venv/$(STAMP)
# The same pins without torch: all that tables, figures, verdicts and the report need.
LIGHT := .venv-light/$(STAMP)
# Snakemake's SLURM plugin and a path to all that is in .venv: merely installed there, it would slow every Snakemake.
SLURM := .venv-slurm/$(STAMP)
SLURM_PLUGIN := snakemake-executor-plugin-slurm==2.8.0 snakemake-executor-plugin-slurm-jobstep==0.6.1
PIP = $(@D)/bin/python -m pip --disable-pip-version-check
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.venv-light/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help environment results replicate replicate_archive replicate_from_archive overnight overnight_archive overnight_from_archive applications smoke test test-cluster benchmark gpu-check docs lint audit format archive from_archive lock clean

help:  ## this list
	@sed -n 's/^\([a-z_-]*\):.*  ## /\1|/p' $(firstword $(MAKEFILE_LIST)) | awk -F '|' '{ printf "make %-22s %s\n", $$1, $$2 }'

environment: $(FULL)  ## the environment in .venv, exactly as requirements.lock says

# Two makes at once: the second waits, then looks again whether there is anything left to do.  The lock ends with its
# process and all that this has started, whichever way they end.
define WAIT_FOR_OTHERS
import fcntl, subprocess, sys
lock = open(sys.argv[1], "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print(sys.argv[1] + ": another make is at work on it; waiting for its end", file=sys.stderr)
    fcntl.flock(lock, fcntl.LOCK_EX)
sys.exit(subprocess.call(sys.argv[2:], pass_fds=[lock.fileno()]))
endef
export WAIT_FOR_OTHERS

ifndef ALONE
$(FULL) $(LIGHT) $(SLURM):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "got Python %d.%d; expected 3.11 to 3.13, for which $(LOCK) has wheels: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	@$(PYTHON) -c "$$WAIT_FOR_OTHERS" $(@D).lock $(MAKE) --no-print-directory ALONE=1 $@
else

define new_environment
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
endef

$(FULL):
	$(new_environment)
	$(if $(TORCH_INDEX),$(PIP) install --index-url $(TORCH_INDEX) $(shell grep '^torch==' $(LOCK)))
	$(PIP) install --requirement $(LOCK)
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

$(LIGHT):
	$(new_environment)
	$(PIP) install --constraint $(LOCK) setuptools
	$(PIP) install --constraint $(LOCK) --no-build-isolation --editable '.[workflow]'
	touch $@

$(SLURM):
	rm -rf $(@D)
	.venv/bin/python -m venv $(@D)
	.venv/bin/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
	  > $$($(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/full.pth
	$(PIP) install --constraint $(LOCK) $(SLURM_PLUGIN)
	touch $@

endif

$(SLURM): $(FULL)

results: $(FULL)  ## everything of config/config.yaml: train, measure, judge, write results/report.html
	snakemake --cores $(CORES)

REPLICATION := --configfile config/replicate.yaml
# Studies for a GPU run with `make replicate GPU=1`, and on the CPU with GPU=0.
GPU ?=
export RNNLIMITS_GPU := $(or $(GPU),$(RNNLIMITS_GPU))

replicate: $(FULL)  ## a verdict on each published claim that fits a CPU, or on one (CLAIM=C3); with GPU=1 on the others too
	snakemake --cores $(CORES) $(CLAIM:%=results/replication/verdicts/%.html) $(REPLICATION)

OVERNIGHT := --configfile config/overnight.yaml
# Cheap ones first: whichever night it ends in, what is decided by then is decided.
NIGHTS := C33 C18 C28 C15 C7 C11 C8 C10 C23 C24 C26 C25

overnight: $(FULL)  ## claims at their sources' sizes on a CPU, one after another or one (CLAIM=C18); goes on where it was stopped
	set -e; for claim in $(or $(CLAIM),$(NIGHTS)); do \
	  nice snakemake --cores $(CORES) results/overnight/verdicts/$$claim.html $(OVERNIGHT); done
	$(if $(CLAIM),,nice snakemake --cores $(CORES) $(OVERNIGHT))

NIGHT := results/archive/overnight

overnight_archive: $(FULL)  ## put what the nights have decided so far into results/archive, to be committed
	rnnlimits archive --incomplete --config config/overnight.yaml --out $(NIGHT)/rows.parquet
	rnnlimits table --config config/overnight.yaml --rows $(NIGHT)/rows.parquet --out $(NIGHT)/tables
	rnnlimits plot --tables $(NIGHT)/tables --out $(NIGHT)/figures
	rm $(NIGHT)/figures/*.png
	rnnlimits judge --config config/overnight.yaml --rows $(NIGHT)/rows.parquet --out $(NIGHT)/claims.csv --details build/night
	rnnlimits verdicts --config config/overnight.yaml --claims $(NIGHT)/claims.csv --details build/night --figures build/night/figures --out $(NIGHT)/verdicts.html

overnight_from_archive: $(if $(wildcard $(FULL)),$(FULL),$(LIGHT))  ## rebuild their verdict report from results/archive, without training
	$(FROM_ARCHIVE) $(OVERNIGHT)

APPLICATIONS := --configfile config/applications.yaml

applications: $(FULL)  ## the uses of recurrent networks on real data; what cannot be downloaded is named and left out
	without=$$(rnnlimits data --missing --config config/applications.yaml) && \
	  RNNLIMITS_WITHOUT=$$without snakemake --cores $(CORES) $(APPLICATIONS)

smoke: $(FULL)  ## the whole pipeline in half a minute (config/smoke.yaml)
	snakemake --cores $(CORES) --configfile config/smoke.yaml

test: $(FULL)  ## all tests
	OMP_NUM_THREADS=1 pytest --numprocesses 2 --dist loadgroup

test-cluster: $(SLURM)  ## a SLURM is set up on this machine (root, Debian), used, disturbed and taken down
	OMP_NUM_THREADS=1 tests/cluster/slurm.sh during .venv-slurm/bin/python -m pytest tests/cluster --numprocesses 6 --dist worksteal

# One after another, or they would disturb each other.
benchmark: $(FULL)  ## our speed against named alternatives, side by side
	OMP_NUM_THREADS=1 python benchmarks/training_step.py
	OMP_NUM_THREADS=1 python benchmarks/every_architecture.py
	OMP_NUM_THREADS=1 python benchmarks/own_page.py
	OMP_NUM_THREADS=1 python benchmarks/whole_job.py
	OMP_NUM_THREADS=1 python benchmarks/cost_growth.py
	OMP_NUM_THREADS=1 python benchmarks/pipeline.py
	python benchmarks/gpu.py

gpu-check: $(FULL)  ## what runs on a CUDA GPU against the CPU, and its memory and time against the plan; 3 minutes
	OMP_NUM_THREADS=1 python benchmarks/gpu_check.py --keep --out results/benchmarks/gpu_check.json

# Every warning is a mistake: a broken link, a page that no other names, a docstring that cannot be read.
docs: $(FULL)  ## the documentation as a site; open build/docs/index.html
	sphinx-build --fail-on-warning --keep-going --quiet --builder html docs build/docs

lint: $(FULL)  ## formatters, linters, type checker
	ruff check
	ruff format --check
	mypy
	snakefmt --check workflow
	snakemake --lint

audit:  ## published weaknesses of the packages in requirements.lock
	$(PYTHON) .ci/audit.py

format: $(FULL)  ## let the formatters rewrite what `make lint` would refuse
	ruff check --fix
	ruff format
	snakefmt workflow

archive: $(FULL)  ## put the rows, tables and verdicts of the last run into results/archive, to be committed
	snakemake --cores 1 archive

# These rules alone: where an earlier run has left rows of older code, Snakemake would train them anew for the archive.
FROM_ARCHIVE := snakemake --cores 1 from_archive \
  --allowed-rules from_archive $(addsuffix _from_archive,table judge plot verdicts report)

from_archive: $(if $(wildcard $(FULL)),$(FULL),$(LIGHT))  ## rebuild tables, figures, verdicts and report from results/archive, without training
	$(FROM_ARCHIVE)

replicate_archive: $(FULL)  ## put the rows and verdicts of the last `make replicate` into results/archive, to be committed
	snakemake --cores 1 archive $(REPLICATION)

replicate_from_archive: $(if $(wildcard $(FULL)),$(FULL),$(LIGHT))  ## rebuild the verdict report from results/archive, without training
	$(FROM_ARCHIVE) $(REPLICATION)

lock:  ## newest versions that pyproject.toml allows, into requirements.lock and environment.yml
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	$(if $(TORCH_INDEX),build/lock/bin/pip install --index-url $(TORCH_INDEX) torch)
	build/lock/bin/pip install setuptools '.[train,workflow,test,lint,docs]'
	sed -i.old '/^[^#]/d' $(LOCK)
	build/lock/bin/pip freeze --all | grep -v -i -E '^(rnnlimits|pip|triton|nvidia-.*|cuda-.*)\b' | sed 's/+[a-z0-9.]*$$//' >> $(LOCK)
	sed -i.old '/^      - /d' environment.yml
	sed -n '/^[^#]/s/^/      - /p' $(LOCK) >> environment.yml
	rm -r $(LOCK).old environment.yml.old build/lock

clean:  ## remove the regenerated results and caches; keeps .venv and results/archive
	[ ! -d results ] || find results -mindepth 1 -maxdepth 1 ! -name archive -exec rm -r {} +
	rm -rf .snakemake build .mypy_cache .pytest_cache .ruff_cache
