# make setup   makes .venv with what the app needs
# make run     does that, then serves the app on http://127.0.0.1:8501/admin/jobs
# make test    runs everything that continuous integration checks
# make bench   measures how fast the app is with up to ten million jobs (JOBS=1000000: with fewer)
# make faults  injects faults into the running app, and writes the results into docs/reliability.md
# make soak    loads the running app while its jobs change, and writes what it measured there, too
# make cluster runs the app's data layer against a Galera cluster of three MariaDB nodes on loopback
# make pictures  takes the README's picture
# make fresh   installs the app by docs/install.md alone on a fresh file system, and signs in
# make lock    locks what the app needs in requirements.lock; make audit looks for known vulnerabilities
# make sbom    lists what the app is made of, as CycloneDX
# make clean   removes what the others made, the demo's database included

# The Python that .venv is made with.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# The tools of a release have requirements of their own, which may disagree with the app's.
RELEASE := .venv-release

.PHONY: help setup run test test-programs bench faults soak cluster cluster-programs pictures fresh lock audit sbom clean

help:
	@sed -n 's/^# make/make/p' Makefile

setup: $(VENV)/runtime-installed

# Streamlit prints the address itself, from .streamlit/config.toml and the STREAMLIT_… variables.
run: setup
	@exec $(BIN)/python -m streamlit run app.py

test: $(VENV)/tests-installed test-programs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint deploy/Containerfile
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

# The -core packages hold the programs alone: no service is set up, none starts. Where they cannot
# be installed the tests go on without them: those that need one skip, or fail where CI=true.
test-programs:
	@PATH="$$PATH:/usr/sbin"; command -v mariadbd >/dev/null || \
		sh .ci/apt-install mariadb-server-core mariadb-client-core || true
	@PATH="$$PATH:/usr/sbin"; command -v nginx >/dev/null || sh .ci/apt-install nginx-light || true
	@PATH="$$PATH:/usr/sbin"; command -v apache2 >/dev/null || sh .ci/apt-install apache2-bin || true
	@command -v openssl >/dev/null || sh .ci/apt-install openssl || true
	@command -v systemd-analyze >/dev/null || sh .ci/apt-install systemd || true
	@command -v chromium >/dev/null || sh .ci/apt-install chromium fonts-liberation || true
	@PATH="$$PATH:.tools"; command -v promtool >/dev/null || sh .ci/get-promtool || true

# ONLY=list,export measures some parts alone; BENCH_KEEP=1 keeps the databases in .bench for next time.
bench: $(VENV)/tests-installed test-programs
	$(BIN)/python -m benchmarks

faults soak: $(VENV)/tests-installed test-programs
	$(BIN)/python -m tests.reliability $@

cluster: $(VENV)/tests-installed cluster-programs
	$(BIN)/python -m pytest tests/cluster

# Debian sets up a service of each server, which the tests do not use: best run where that does no harm.
cluster-programs:
	@PATH="$$PATH:/usr/sbin"; { command -v wsrep_sst_rsync && command -v rsync && command -v haproxy && \
		test -e /usr/lib/galera/libgalera_smm.so; } >/dev/null || \
		sh .ci/apt-install mariadb-server galera-4 rsync haproxy

pictures: $(VENV)/tests-installed test-programs
	$(BIN)/python docs/pictures.py

fresh: $(VENV)/tests-installed
	FRESH=whole $(BIN)/python -m pytest -n 0 tests/test_fresh_machine.py

# pip-compile takes only new versions that requirements.txt asks for; UPGRADE=1 takes all.
lock: $(RELEASE)/installed
	@$(RELEASE)/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
		echo 'The lock is for Python 3.11 and newer: make lock PYTHON=/path/to/3.11' >&2; exit 1; }
	$(RELEASE)/bin/pip-compile --quiet --generate-hashes --strip-extras --no-header --no-annotate \
		--no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		$(if $(UPGRADE),--upgrade) --output-file requirements.lock requirements.txt

# --strict: a package that the database does not answer for counts as a failure.
audit: $(RELEASE)/installed
	@$(RELEASE)/bin/pip-audit --strict --progress-spinner off --disable-pip --require-hashes \
		-r requirements.lock || { echo 'Either a vulnerability is listed above, or the line ERROR says' \
		'that the database of vulnerabilities cannot be asked: nothing is known then.' >&2; exit 1; }

sbom: $(RELEASE)/installed
	$(RELEASE)/bin/cyclonedx-py requirements --short-PURLs --output-reproducible \
		--output-file heratio-jobs.cdx.json requirements.lock

clean:
	rm -rf $(VENV) $(RELEASE) .tools heratio-jobs.cdx.json .demo .bench test-artefacts .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A half-made environment, or one whose Python has gone, is made anew.
define install
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		{ $(PYTHON) -c 'import ensurepip' 2>/dev/null || sh .ci/apt-install python3-venv; } && \
		$(PYTHON) -m venv --clear $(VENV); }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { rm -r $(VENV); \
		echo 'This needs Python 3.11 or newer: make PYTHON=/path/to/it' >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
endef

$(RELEASE)/installed: deploy/requirements.txt
	$(PYTHON) -m venv --clear $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/runtime-installed: requirements.txt
	$(install)

$(VENV)/tests-installed: tests/requirements.txt requirements.txt
	$(install)
