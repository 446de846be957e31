"""Fails where a dependency needs a newer Rust than `rust-version` in Cargo.toml promises.

usage: cargo metadata --locked --format-version 1 | python3 .ci/oldest_rust.py

What the code itself needs of the standard library is checked by clippy's `incompatible_msrv`.
"""

import json
import sys


def version(text):
    return tuple(int(number) for number in (text + ".0.0").split(".")[:3])


metadata = json.load(sys.stdin)
own = next(package for package in metadata["packages"] if package["id"] == metadata["resolve"]["root"])
promised = own["rust_version"]
newer = [
    f"{package['name']} {package['version']} needs Rust {package['rust_version']}"
    for package in metadata["packages"]
    if package["rust_version"] and version(package["rust_version"]) > version(promised)
]
for line in newer:
    print(f"{line}: Cargo.toml promises {promised}", file=sys.stderr)
print(f"Rust {promised}: {len(metadata['packages'])} packages, {len(newer)} need a newer one")
sys.exit(bool(newer))
