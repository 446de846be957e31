#!/usr/bin/env bash
# What an incremental night costs beside a full run: one new day over a table of 30, under a timeout.
#
#   benches/nightly.sh [EVENTS] [ROUNDS]
#
# The tables of the night have to be those of the full run before anything is said of time. The goal: at most
# (dates rewritten + 2) / 30 of a full run, plus one second.
set -euo pipefail
cd "$(dirname "$0")/.."

events="${1:-20000000}"
rounds="${2:-3}"
work="$(mktemp -d "${TMPDIR:-/tmp}/dwell-nightly.XXXXXX")"
trap 'rm -rf "$work"' EXIT

cargo build --release --locked --quiet --bin dwell --example generate
target="${CARGO_TARGET_DIR:-target}/release"
"$target/examples/generate" --events "$events" --columns bench --days 30 --out "$work/all"
mapfile -t days < <(find "$work/all" -mindepth 1 -maxdepth 1 -type d | sort)
last="${days[-1]}"

run() { "$target/dwell" run --input "$work/in" --timeout 30m --quiet "$@"; }
total() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1] + "/run.json"))["seconds"]["total"])' "$1"; }
replaced() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1] + "/run.json"))["replaced"]["count"])' "$1"; }

mkdir "$work/in"
cp -r "${days[@]}" "$work/in"
nights=() fulls=()
for _ in $(seq "$rounds"); do
    rm -rf "$work/out" "$work/full" "${work:?}/in/$(basename "$last")"
    run --output "$work/out" --incremental
    cp -r "$last" "$work/in"
    run --output "$work/out" --incremental
    run --output "$work/full"
    diff -r -x _dwell -x run.json "$work/out" "$work/full"
    nights+=("$(total "$work/out")")
    fulls+=("$(total "$work/full")")
done
python3 - "$(replaced "$work/out")" "${nights[*]}" "${fulls[*]}" <<'PYTHON'
import statistics, sys
dates = int(sys.argv[1])
night, full = (statistics.median(map(float, times.split())) for times in sys.argv[2:])
bound = (dates + 2) / 30 * full + 1
print(f"a full run {full:.2f} s, a night {night:.2f} s that rewrites {dates} dates; at most {bound:.2f} s were promised")
sys.exit(night > bound)
PYTHON
