#!/usr/bin/env bash
# Reads the sample from real servers, and writes its tables there: S3 as moto speaks it, Azure Blob Storage as Azurite does, and Google Cloud Storage by a
# small server of our own. Installs and starts what it needs, ends it, and leaves nothing behind.
#
#     tests/stores/run.sh path/to/dwell
set -euo pipefail
cd "$(dirname "$0")/../.."
dwell="$(realpath "${1:?the program to test}")"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/dwell/stores"

# Nothing that this machine knows of clouds.
for name in $(compgen -e | grep -E '^(AWS|AZURE|GOOGLE)_' || true); do unset "$name"; done
export AWS_EC2_METADATA_DISABLED=true

mkdir -p "$cache"
if [ ! -x "$cache/venv/bin/moto_server" ]; then
    python3 -m venv "$cache/venv"
    "$cache/venv/bin/pip" install --quiet 'moto[server,s3]==5.2.*' 'azure-storage-blob==12.*'
fi
azurite="$cache/node_modules/.bin/azurite-blob"
if [ ! -x "$azurite" ] && command -v npm >/dev/null; then
    npm install --silent --no-audit --no-fund --prefix "$cache" azurite@3 || true
fi

work="$(mktemp -d)"
servers=()
cleanup() {
    for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

s3_port="$(free_port)"
"$cache/venv/bin/moto_server" -H 127.0.0.1 -p "$s3_port" >"$work/moto.log" 2>&1 &
servers+=($!)
gcs_port="$(free_port)"
mkdir "$work/bucket"
cp -r data/events "$work/bucket/events"
python3 tests/stores/gcs.py "$work/bucket" "$gcs_port" >"$work/gcs.log" 2>&1 &
servers+=($!)
azure_port=none
if [ -x "$azurite" ]; then
    azure_port="$(free_port)"
    "$azurite" --silent --skipApiVersionCheck --disableTelemetry --inMemoryPersistence \
        --blobHost 127.0.0.1 --blobPort "$azure_port" >"$work/azurite.log" 2>&1 &
    servers+=($!)
else
    echo "no npm on this machine: Azure is left out" >&2
fi

"$cache/venv/bin/python" tests/stores/check.py "$dwell" data/events "$work" "$s3_port" "$gcs_port" "$azure_port"
