# Every target sets up what it needs in .venv; PYTHON chooses the interpreter (3.11 or newer).
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
SETUP := $(BIN)/python tools/setup.py
SOLUTIONS ?=
# One thread for each process's products of matrices: with more, OpenBLAS waits by spinning, and on a busy
# machine a step of training takes ten times as long.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1
.PHONY: setup demo test check mutants fuzz bench hostile book release clean
.DEFAULT_GOAL := demo

$(BIN)/python:
	$(PYTHON) -m venv .venv

setup: $(BIN)/python  ## everything a maintainer needs
	@$(SETUP) test

demo: $(BIN)/python  ## release, a class of sample submissions, grades, feedback, ladder
	@$(SETUP) instructor
	@$(BIN)/python tools/demo.py

test: setup  ## all tests, as CI runs them
	@$(BIN)/python -m pytest -n 2

check: setup  ## ruff and mypy
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

mutants: setup  ## mutation score of the reference under its laws
	@$(BIN)/python tools/mutants.py

fuzz: setup  ## a million damaged streams for every decoder
	@$(BIN)/python tools/fuzz.py

bench: setup  ## speed beside peers, in one run
	@$(BIN)/python tools/bench.py

hostile: setup  ## every attack against our grader, and the harmless ones against stock nbgrader
	@$(BIN)/python tools/hostile.py --stock

book: $(BIN)/python  ## the Jupyter Book; SOLUTIONS=1 shows the solutions
	@$(SETUP) book
	@$(BIN)/python tools/book.py $(if $(SOLUTIONS),--solutions)

release: $(BIN)/python  ## the nbgrader course and the students' bundle
	@$(SETUP) instructor
	@$(BIN)/shortest release

clean:  ## remove what was built; .venv stays
	@$(BIN)/python -c "import shutil; shutil.rmtree('build', ignore_errors=True)"
