#!/bin/sh
# Makes the virtual environment hold exactly the packages of a lock, and this project, editable.
#   VENV=.venv PYTHON=python3.12 scripts/venv.sh requirements.lock
# Both variables may be left out. uv does the work (seconds); where it cannot, pip does the same (minutes). Where Python
# may not write bytecode (PYTHONDONTWRITEBYTECODE) it is made here: each worker would compile all packages again.
set -eu
lock=$1
venv=${VENV:-.venv}

recent() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; }

pick() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if recent "$candidate"; then echo "$candidate"; return; fi
    done
    echo "No Python 3.11, 3.12 or 3.13 found (looked for: ${PYTHON:-python3.13 python3.12 python3.11 python3}):" \
        "install one, or say where it is: make PYTHON=/path/to/python3" >&2
    return 1
}

if ! recent "$venv/bin/python"; then
    python=$(pick)
    echo "Making $venv with $("$python" --version)"
    if [ -f "$venv/pyvenv.cfg" ]; then rm -rf "$venv"; fi # of a Python that is gone or too old
    "$python" -m venv "$venv" || {
        echo "$python cannot make a virtual environment: install its venv module (Debian, Ubuntu: apt-get install python3-venv)" >&2
        exit 1
    }
fi
python=$venv/bin/python

with_uv() {
    "$python" -m uv --version >/dev/null 2>&1 || "$python" -m pip install --quiet --disable-pip-version-check uv || return 1
    "$python" -m uv pip sync --quiet ${PYTHONDONTWRITEBYTECODE:+--compile-bytecode} --python "$python" --require-hashes "$lock" || return 1
    "$python" -m uv pip install --quiet --python "$python" --no-deps --no-build-isolation --editable .
}

# --no-deps: the lock is complete, and older versions of pip refuse it otherwise.
with_pip() {
    "$python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement "$lock"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
}

echo "Installing $lock into $venv"
with_uv || { echo "uv could not do it, so pip does it now (this takes minutes)" >&2; with_pip; }
