#!/bin/sh
# Makes an environment of its own for the package that scores the leaderboard: it does not resolve with this project's.
#   VENV=.venv scripts/fev.sh        makes .venv/fev, which holds exactly benchmarks/leaderboard/requirements.lock
set -eu
venv=${VENV:-.venv}
lock=benchmarks/leaderboard/requirements.lock

echo "Installing $lock into $venv/fev"
"$venv/bin/python" -m venv --clear "$venv/fev"
if "$venv/bin/python" -m uv --version >/dev/null 2>&1; then
    "$venv/bin/python" -m uv pip sync --quiet --python "$venv/fev/bin/python" --require-hashes "$lock" && exit
    echo "uv could not do it, so pip does it now" >&2
fi
"$venv/fev/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement "$lock"
