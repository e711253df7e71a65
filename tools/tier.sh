#!/bin/sh
# Runs one tier of the checks and says how long it took: tier.sh NAME COMMAND [ARGUMENT...]
# The times of all tiers of one `make test` are gathered in the file $TIERS, which the last line of that target prints.
set -u
name=$1
shift
printf '\n== %s\n' "$name"
began=$(date +%s)
"$@"
code=$?
took=$(($(date +%s) - began))
if [ "$code" -eq 0 ]; then result=passed; else result="FAILED ($code)"; fi
printf -- '-- %s %s in %s s\n' "$name" "$result" "$took"
if [ -n "${TIERS:-}" ]; then printf '%-14s %-12s %5s s\n' "$name" "$result" "$took" >>"$TIERS"; fi
exit "$code"
