# The doors to everything. What they do is in scripts/, where it can be read.

.DEFAULT_GOAL := help
.PHONY: help run dev test bench fmt screenshots clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up, build and start Latchkey on http://127.0.0.1:3000
	@scripts/run

dev: ## Start it with live reload, for working on it
	@scripts/dev

test: ## Set up, then run every check and test
	@scripts/test

bench: ## Measure a session check against a bare route
	@scripts/bench

fmt: ## Format Rust and TypeScript
	@cargo fmt --all
	@npm --prefix end2end run --silent format

screenshots: ## Take the pictures of README.md again (after make run or make test)
	@npm --prefix end2end run --silent screenshots

clean: ## Remove everything that was built; data/ stays
	@cargo clean
	@rm -rf end2end/node_modules end2end/test-results end2end/playwright-report scripts/node_modules
