#!/usr/bin/env bash
# What ten segments of a tenth of the events each and ten charts over them cost beside one run without any.
#
#   benches/segments.sh [EVENTS] [ROUNDS]
#
# The activity table of all events has to be the same either way before anything is said of time, and each segment has
# to have its tenth. The goal: at most twice the plain run.
set -euo pipefail
cd "$(dirname "$0")/.."

events="${1:-20000000}"
rounds="${2:-3}"
work="$(mktemp -d "${TMPDIR:-/tmp}/dwell-segments.XXXXXX")"
trap 'rm -rf "$work"' EXIT

cargo build --release --locked --quiet --bin dwell --example generate
target="${CARGO_TARGET_DIR:-target}/release"
"$target/examples/generate" --events "$events" --columns bench --days 30 --out "$work/in"

python3 - "$events" > "$work/job.toml" <<'PYTHON'
import sys
tenth = int(sys.argv[1]) // 60 // 10  # a user has 60 events
print('[session]\ntimeout = "30m"')
for place in range(10):
    first, end = place * tenth, (place + 1) * tenth if place < 9 else 9_999_999
    print(f"""[[segment]]\nname = "s{place}"\nwhere = "user_id >= 'u{first:07}' AND user_id < 'u{end:07}'\"""")
charts = [
    'segments = ["all", ' + ", ".join(f'"s{place}"' for place in range(10)) + "]",
    'segments = ["all", "s0"]\ninterval = "hour"',
    'segments = ["all", "s1", "s2"]\ninterval = "week"',
    'segments = ["all", "s3"]\ninterval = "month"',
    'segments = ["all", "s4"]\ncount = { event = "page_view" }\nbuckets = [0, 1, 2, 5, 10]',
    'segments = ["all", "s5"]\ninterval = "week"\ncontains = [{ event = "purchase" }]',
    'segments = ["all", "s6"]\nmin_length = "1m"\nmax_length = "1h"',
    'segments = ["all", "s7"]\ngroup_by = { first = "event_type" }',
    'segments = ["all", "s8"]\npreset = "bounce_rate"\nevent = "page_view"\nproperty = "event_type"',
    'segments = ["all", "s9"]\ninterval = "total"\nbins = { min = "1m", max = "30m", size = "5m" }',
]
for place, keys in enumerate(charts):
    print(f'[[chart]]\nname = "c{place}"\n{keys}')
PYTHON

run() { "$target/dwell" run --input "$work/in" --quiet --threads 2 "$@"; }
plain=() segments=()
for round in $(seq "$rounds"); do
    # New folders each time: a file system is slow to make files where as many were removed a moment ago.
    run --timeout 30m --output "$work/plain.$round"
    run "$work/job.toml" --output "$work/out.$round"
    diff -r "$work/plain.$round/activity" "$work/out.$round/activity"
    plain+=("$work/plain.$round/run.json") segments+=("$work/out.$round/run.json")
done
python3 - "${plain[@]}" "${segments[@]}" <<'PYTHON'
import json, statistics, sys
runs = [json.load(open(path)) for path in sys.argv[1:]]
without, with_them = runs[: len(runs) // 2], runs[len(runs) // 2 :]
for run in with_them:
    shares = [segment["events"] / run["rows"] for segment in run["segments"].values()]
    assert len(shares) == 10 and all(0.05 < share < 0.2 for share in shares), shares
stages = lambda of: {s: statistics.median(run["seconds"][s] for run in of) for s in of[0]["seconds"]}
plain, segments = stages(without), stages(with_them)
for stage in segments:
    print(f"{stage:<12} {plain[stage]:6.2f} s  {segments[stage]:6.2f} s")
ratio = segments["total"] / plain["total"]
print(f"ten segments and ten charts cost {ratio:.1f} times the run without them; at most 2 were promised")
sys.exit(ratio > 2)
PYTHON
