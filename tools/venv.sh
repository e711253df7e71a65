#!/bin/sh
# Makes .venv what requirements.lock says, once per change of the lock or of pyproject.toml. Called by every make target,
# so it does nothing, fast, when nothing changed. A run that was killed half-way is repaired by the next.
#
#   PYTHON=/path/to/python3   use this interpreter (3.11 or later)
set -eu
cd "$(dirname "$0")/.."

say() { printf 'twain: %s\n' "$*" >&2; }
stop() { say "$1"; printf '  Fix: %s\n' "$2" >&2; exit 2; }

digest() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# What the environment was made from. The folder is part of it: an environment that was moved or copied does not work.
wanted=$( { digest requirements.lock pyproject.toml tools/venv.sh; pwd -P; } | tr -d '\n')
stamp=.venv/.made-from
if [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

python=
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
    if fits "$candidate"; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
    stop "no Python 3.11 or later was found (looked for python3, python3.11 to python3.14)" \
        "install one (Debian, Ubuntu: apt install python3 python3-venv), or: make PYTHON=/path/to/python3"
fi
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    stop "$python cannot make virtual environments: its venv or ensurepip module is missing" \
        "apt install python3-venv (Debian, Ubuntu), or: make PYTHON=/path/to/another/python3"
fi

mkdir -p .venv
# Two makes at once: the second waits, then finds the work done.
if command -v flock >/dev/null 2>&1; then
    exec 9>.venv/.lock
    flock 9
    if [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi
fi
rm -f "$stamp"

log=.venv/install.log
# Runs a command with its output in the log; says every 15 s that it is still at it.
quietly() {
    what=$1
    shift
    "$@" >>"$log" 2>&1 9>&- &
    job=$!
    trap 'kill "$job" 2>/dev/null; exit 130' INT TERM
    seconds=0
    while kill -0 "$job" 2>/dev/null; do
        sleep 1
        seconds=$((seconds + 1))
        if [ $((seconds % 15)) -eq 0 ]; then say "still $what ($seconds s)"; fi
    done
    if ! wait "$job"; then
        tail -n 20 "$log" >&2
        stop "$what failed; the whole log is $log" "read the lines above; most often the package index was not reached"
    fi
    trap - INT TERM
}

: >"$log"
if ! fits .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    say "making .venv with $("$python" -c 'import sys; print(sys.executable)')"
    quietly "making .venv" "$python" -m venv .venv
fi
say "installing what requirements.lock pins (the first time takes some minutes)"
# --no-compile: the cloud SDKs are large and only a small part of them is ever imported.
quietly "installing" .venv/bin/python -m pip install --disable-pip-version-check --no-input --no-compile --no-deps \
    --progress-bar off --require-hashes --requirement requirements.lock
quietly "installing twain itself" .venv/bin/python -m pip install --disable-pip-version-check --no-input --no-deps \
    --progress-bar off --no-build-isolation --editable .
printf '%s' "$wanted" >"$stamp.new"
mv "$stamp.new" "$stamp"
say "ready"
