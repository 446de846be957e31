"""Puts the sample into each store, reads it by dwell, also into tables there, and compares them with those of local files."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

DWELL, SAMPLE, WORK = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
S3_PORT, GCS_PORT, AZURE_PORT = sys.argv[4:7]
FILES = sorted(path for path in SAMPLE.rglob("*.parquet") if path.is_file())
ACCOUNT = "devstoreaccount1"
# The key of every Azurite, as its documentation has it: no secret.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def wait_for(port):
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nobody answers on port {port}")


def hashes(folder):
    tables = (folder / name for name in ("sessions", "activity"))
    files = sorted(path for table in tables for path in table.rglob("*.parquet"))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def run(name, path, keys, environment=(), flags=(), code=0):
    job = WORK / f"{name}.toml"
    job.write_text(f'[input]\npath = {path}\n[session]\ntimeout = "30m"\n[storage]\n{keys}\n')
    out = WORK / name
    ran = subprocess.run(
        [DWELL, "run", str(job), "--output", str(out), "--quiet", *flags],
        env={**os.environ, **dict(environment), "HOME": str(WORK)},
        capture_output=True,
        text=True,
    )
    if ran.returncode != code:
        sys.exit(f"{name}: exit code {ran.returncode}\n{ran.stderr}")
    return ran.stderr if code else hashes(out)


def check(name, path, keys, environment=()):
    for flags in ((), ("--incremental",), ("--incremental",), ("--threads", "1", "--memory-limit", "200MiB")):
        if run(name, path, keys, environment, flags) != LOCAL:
            sys.exit(f"{name} {flags}: other tables than those of the local files")
    print(f"{name}: the tables are those of the local files")


def check_tables(name, path, tables, keys, read, environment=()):
    """Runs into a store, from two machines in turn, and reads what is there by `read`, which returns the bytes of each key."""
    for number in range(3):
        job = WORK / f"{name}_tables.toml"
        copy = WORK / f"{name}_copy{number % 2}"
        job.write_text(
            f'[input]\npath = {path}\n[session]\ntimeout = "30m"\n[output]\npath = "{tables}"\ncopy = "{copy}"\n'
            f"[storage]\n{keys}\n"
        )
        flags = ["--incremental"] if number else []
        ran = subprocess.run(
            [DWELL, "run", str(job), "--quiet", *flags],
            env={**os.environ, **dict(environment), "HOME": str(WORK)},
            capture_output=True,
            text=True,
        )
        if ran.returncode:
            sys.exit(f"{name}: exit code {ran.returncode}\n{ran.stderr}")
        found = read()
        there = {
            key: hashlib.sha256(data).hexdigest()
            for key, data in found.items()
            if key.startswith(("sessions/", "activity/")) and key.endswith(".parquet")
        }
        if there != LOCAL:
            sys.exit(f"{name}: other tables in the store than in a local folder")
        if any(key.startswith("_dwell/stage/") for key in found):
            sys.exit(f"{name}: staged files are left")
    print(f"{name}: the tables in the store are those of a local folder")


LOCAL = run("local", f'"{SAMPLE}"', "")
assert LOCAL

wait_for(S3_PORT)
wait_for(GCS_PORT)
import boto3  # noqa: E402

s3_keys = f'endpoint = "http://127.0.0.1:{S3_PORT}"\nallow_http = true\nregion = "eu-west-1"'
secret = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
client = boto3.client(
    "s3",
    endpoint_url=f"http://127.0.0.1:{S3_PORT}",
    region_name="eu-west-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
)
client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
for file in FILES:
    client.put_object(Bucket="bucket", Key=f"events/{file.relative_to(SAMPLE)}", Body=file.read_bytes())
check("s3", '"s3://bucket/events"', s3_keys, secret)
check("s3_glob", '"s3://bucket/**/*.parquet"', s3_keys, secret)
said = run("s3_nowhere", '"s3://nowhere/events"', s3_keys, secret, code=2)
assert 'there is no bucket "nowhere"' in said, said
said = run("s3_nothing", '"s3://bucket/nothing/"', s3_keys, secret, code=2)
assert "there is nothing at" in said, said



def s3_tables():
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix="tables/")
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    return {key.removeprefix("tables/"): client.get_object(Bucket="bucket", Key=key)["Body"].read() for key in keys}


check_tables("s3", '"s3://bucket/events"', "s3://bucket/tables", s3_keys, s3_tables, secret)

gcs_keys = f'endpoint = "http://127.0.0.1:{GCS_PORT}"\nallow_http = true\nskip_signature = true'
check("gcs", '"gs://bucket/events"', gcs_keys)


def gcs_tables():
    tables = WORK / "bucket" / "tables"
    files = (path for path in tables.rglob("*") if path.is_file())
    return {str(path.relative_to(tables)): path.read_bytes() for path in files}


# Nobody writes without an account: this one gets its tokens from nowhere.
account = {
    "gcs_base_url": f"http://127.0.0.1:{GCS_PORT}",
    "disable_oauth": True,
    "client_email": "",
    "private_key": "",
    "private_key_id": "",
}
signed = {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account)}
signed_keys = gcs_keys.replace("\nskip_signature = true", "")
check_tables("gcs", '"gs://bucket/events"', "gs://bucket/tables", signed_keys, gcs_tables, signed)
said = run("gcs_nowhere", '"gs://nowhere"', gcs_keys, code=2)
assert 'there is no bucket "nowhere"' in said, said

if AZURE_PORT != "none":
    wait_for(AZURE_PORT)
    from azure.storage.blob import BlobServiceClient

    endpoint = f"http://127.0.0.1:{AZURE_PORT}/{ACCOUNT}"
    service = BlobServiceClient(endpoint, credential=KEY, api_version="2021-12-02")
    container = service.create_container("events")
    for file in FILES:
        container.upload_blob(f"web/{file.relative_to(SAMPLE)}", file.read_bytes())
    azure_keys = f'endpoint = "{endpoint}"\nallow_http = true'
    secret = {"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": KEY}
    check("azure", '"az://events/web"', azure_keys, secret)

    def azure_tables():
        blobs = [blob.name for blob in container.list_blobs(name_starts_with="tables/")]
        return {name.removeprefix("tables/"): container.download_blob(name).readall() for name in blobs}

    check_tables("azure", '"az://events/web"', "az://events/tables", azure_keys, azure_tables, secret)
    told = {"AZURE_STORAGE_CONNECTION_STRING": f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint}"}
    check("azure_string", '"az://events/web"', "allow_http = true", told)
    said = run("azure_nowhere", '"az://nowhere/web"', azure_keys, secret, code=2)
    assert 'there is no bucket "nowhere"' in said, said
    wrong = {**secret, "AZURE_STORAGE_ACCOUNT_KEY": "AAAA"}
    said = run("azure_denied", '"az://events/web"', azure_keys, wrong, code=1)
    assert "is refused (403" in said, said
