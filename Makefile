# Short names for what people type often. CI runs ./scripts/test, which is `make check`.
.PHONY: dev fmt lint test check contracts vendor vectors serve bench drill lock audit

dev: ## make .venv with everything the checks need
	./scripts/install dev

fmt: ## format and repair what can be repaired
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

lint: ## style, types, import rules, spelling
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/codespell

test: ## the tests alone
	.venv/bin/pytest

check: ## install, lint, contract artefacts, tests
	./scripts/test

contracts: ## compile the contract anew; needs `npm ci`
	./scripts/build_contracts

vendor: ## the scripts of others that pages use, from node_modules; needs `npm ci`
	./scripts/vendor

vectors: ## write the vectors of our own formats anew
	.venv/bin/python scripts/make_vectors

serve: ## all roles on one port, with the home in ./hengzheng-home
	.venv/bin/hengzheng serve all --home hengzheng-home --port 8000

bench: ## figures of this machine
	./scripts/bench

drill: ## the long forms of crash, bit rot and property tests
	HENGZHENG_LONG=1 .venv/bin/pytest -m "slow or drill"

lock: ## write both lock files from pyproject.toml; add ARGS=--upgrade for newer versions
	./scripts/lock $(ARGS)

audit: ## known vulnerabilities of what is locked; needs the network, so CI does not run it
	python3 -m venv .venv-audit
	.venv-audit/bin/pip install --quiet pip-audit
	.venv-audit/bin/pip-audit --require-hashes --disable-pip -r requirements.lock
