# make demo: a sentence becomes a moving face.   make test: everything that must hold.   Both set up .venv by themselves.
PYTHON ?= python3
BIN := .venv/bin
PROMPT ?= a slow pout turning to surprise

.PHONY: demo test bench man lint clean

demo: .venv/ready
	$(BIN)/tdmm animate "$(PROMPT)" -o out.npz --force
	$(BIN)/tdmm animate out.npz -o out.mp4 --force
	@echo
	@echo "The motion is in out.npz, the moving face in $(CURDIR)/out.mp4"
	@echo "Say what it does:   $(BIN)/tdmm describe out.npz"
	@echo "Try your own:       $(BIN)/tdmm animate \"she winks, then laughs\" -o mine.mp4"

test: .venv/ready-test
	$(BIN)/python -m ruff check tdmm_core tdmm_cli tests examples
	$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 1

bench: .venv/ready-test
	$(BIN)/python -m pytest tests/benchmarks -o python_files='bench_*.py' -s

man: .venv/ready
	$(BIN)/python -m tdmm_cli.manpages man

.venv/ready: pyproject.toml constraints.txt .ci/setup
	PYTHON=$(PYTHON) .ci/setup
	@touch $@

.venv/ready-test: .venv/ready
	PYTHON=$(PYTHON) .ci/setup test
	@touch $@

clean:
	rm -rf .venv out.npz out.mp4 build dist *.egg-info
