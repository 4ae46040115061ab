# Three commands. All set themselves up: see tools/setup.
#   make book            builds the website; `make book FORCE=1` executes every notebook again
#   make test            runs every test, on a site that is up to date
#   make pdf             prints the website as one PDF, _build/html/block-by-block.pdf (with Chromium)

PYTHON ?= python3
BIN := .venv/bin
SITE_SOURCES := $(shell find _config.yml _toc.yml redirects.txt intro.md references.bib pyproject.toml \
	requirements.lock front chapters src _ext _static -not -path '*/__pycache__*' 2>/dev/null)

# One date for everything a build writes: that of the last commit.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || date +%s)
export PYTHON SOURCE_DATE_EPOCH

.PHONY: book test pdf setup links clean

book: setup
	@sh tools/build-book $(if $(FORCE),--force)

test: setup
	@$(MAKE) --no-print-directory _build/site.ok \
		|| echo "The site did not build: its tests say so below." >&2
	@NUMBA_CACHE_DIR="$(CURDIR)/_build/.numba_cache/$$($(BIN)/python _ext/block_by_block/fingerprint.py)" \
		$(BIN)/pytest -n auto --dist loadgroup

_build/site.ok: $(SITE_SOURCES)
	@sh tools/build-book

pdf: setup
	@$(MAKE) --no-print-directory _build/site.ok
	@PYTHONPATH=_ext $(BIN)/python -m block_by_block.book_pdf

setup:
	@sh tools/setup

# Needs the network: run by the weekly job, never by the tests.
links: setup
	@sh tools/build-book --linkcheck

clean:
	rm -rf _build dist
