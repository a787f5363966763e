# The doors to everything. What they do is in scripts/, where it can be read.

.DEFAULT_GOAL := help
.PHONY: help run dev test torture bench up down logs restart fmt generate screenshots clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up, build and start Latchkey on http://127.0.0.1:3000
	@scripts/run

dev: ## Start it with live reload, for working on it
	@scripts/dev

test: ## Set up, then run every check and test
	@scripts/test

torture: ## Break everything at random and check what clients saw (SEED=…, SECONDS=300)
	@LATCHKEY_TORTURE_SEED="$(SEED)" LATCHKEY_TORTURE_SECONDS="$(SECONDS)" scripts/torture

bench: ## Measure everything in docs/performance.md, on this machine
	@scripts/bench

up: ## Build and start two servers, PostgreSQL, Redis and a load balancer in containers
	@scripts/containers up

down: ## Stop the containers; their data stays
	@scripts/containers down

logs: ## Follow what the containers say
	@scripts/containers logs

restart: ## Build again and restart the servers one after the other, signing nobody out
	@scripts/containers restart

fmt: ## Format Rust and TypeScript
	@cargo fmt --all
	@npm --prefix end2end run --silent format

generate: ## Write the document of the API, the tables in README.md and docs/, and the lists of routes again
	@scripts/generate

screenshots: ## Take the screenshots of README.md again (after make run or make test)
	@npm --prefix end2end run --silent screenshots

clean: ## Remove everything that was built; data/ stays
	@cargo clean
	@rm -rf end2end/node_modules end2end/test-results end2end/playwright-report scripts/node_modules
