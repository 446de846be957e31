"""Puts the sample into each store, reads it by dwell, and compares the tables with those of the same files on the disk."""

import hashlib
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

gcs_keys = f'endpoint = "http://127.0.0.1:{GCS_PORT}"\nallow_http = true\nskip_signature = true'
check("gcs", '"gs://bucket"', gcs_keys)
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
    told = {"AZURE_STORAGE_CONNECTION_STRING": f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint}"}
    check("azure_string", '"az://events/web"', "allow_http = true", told)
    said = run("azure_nowhere", '"az://nowhere/web"', azure_keys, secret, code=2)
    assert 'there is no bucket "nowhere"' in said, said
    wrong = {**secret, "AZURE_STORAGE_ACCOUNT_KEY": "AAAA"}
    said = run("azure_denied", '"az://events/web"', azure_keys, wrong, code=1)
    assert "is refused (403" in said, said
