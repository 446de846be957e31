"""What a run tells schedulers and collectors, read by their own programs: Prometheus' parser, Dagster with its Pipes client, a
server that takes OpenLineage events, and a JSON schema validator over the example jobs.

    pip install dagster jsonschema openlineage-python prometheus_client
    python tests/schedulers/check.py target/release/dwell data/events data/jobs
"""

import http.server
import json
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import tomllib
import uuid

import attr
import dagster
import jsonschema
from openlineage.client import facet_v2
from prometheus_client.parser import text_string_to_metric_families

DWELL, EVENTS, JOBS = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3])
RUN = [DWELL, "run", "--input", str(EVENTS), "--timeout", "30m", "--quiet"]


def run(output, *arguments, code=0, **environment):
    ran = subprocess.run([*RUN, "--output", str(output), *arguments], capture_output=True, text=True, env=environment or None)
    assert ran.returncode == code, ran
    return ran


def prometheus(folder):
    file = folder / "dwell.prom"
    run(folder / "out", "--metrics", str(file))
    families = {family.name: family for family in text_string_to_metric_families(file.read_text())}
    record = json.loads((folder / "out/run.json").read_text())
    value = lambda name: families[name].samples[0].value
    assert value("dwell_run_exit_code") == 0
    assert value("dwell_run_sessions") == record["sessions"]
    fates = {sample.labels["fate"]: sample.value for sample in families["dwell_run_row_fates"].samples}
    assert sum(fates.values()) == value("dwell_run_rows") == record["rows"], fates
    stages = {sample.labels["stage"] for sample in families["dwell_run_stage_seconds"].samples}
    assert {"read", "sessionize", "write"} <= stages, stages
    run(folder / "out", "--metrics", str(file), "--min-sessions", "1000000000", code=3)
    families = {family.name: family for family in text_string_to_metric_families(file.read_text())}
    assert families["dwell_run_exit_code"].samples[0].value == 3
    assert "dwell_run_sessions" not in families and "dwell_newest_date_timestamp_seconds" in families


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes what is posted to it."""

    events, heads = [], []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Collector.events.append((self.path, json.loads(body)))
        Collector.heads.append(self.headers)
        self.send_response(201)
        self.end_headers()

    def log_message(self, *_):
        pass


# The class of each facet in OpenLineage's own client.
FACETS = {
    "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet,
    "parent": facet_v2.parent_run.ParentRunFacet,
    "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
    "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
    "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    "inputStatistics": facet_v2.input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
}


def check_facets(facets):
    for name, facet in facets.items():
        kind = FACETS[name]
        known = {field.name for field in attr.fields(kind)}
        required = {field.name for field in attr.fields(kind) if field.default is attr.NOTHING and not field.name.startswith("_")}
        given = {key for key in facet if not key.startswith("_")}
        assert given <= known and required <= given, (name, given, known, required)
        assert facet["_schemaURL"].endswith("/" + kind.__name__), facet["_schemaURL"]
        assert facet["_producer"]


def openlineage(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    parent = str(uuid.uuid4())
    names = {
        "OPENLINEAGE_URL": url, "OPENLINEAGE_API_KEY": "secret", "OPENLINEAGE_NAMESPACE": "shop",
        "OPENLINEAGE_PARENT_ID": f"airflow://nightly/sessions/{parent}",
    }
    run(folder / "out", **names)
    run(folder / "out", "--min-sessions", "1000000000", code=3, **names)
    config = folder / "openlineage.yml"
    config.write_text(f"transport:\n  type: http\n  url: {url}\n  endpoint: other/place\n")
    run(folder / "out", OPENLINEAGE_CONFIG=str(config))
    before = len(Collector.events)
    run(folder / "out", OPENLINEAGE_URL=url, OPENLINEAGE_DISABLED="true")
    assert len(Collector.events) == before == 6, Collector.events
    # A server with a certificate of an authority that this machine is told to trust.
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-addext", "basicConstraints=critical,CA:FALSE"],
        check=True, capture_output=True,
    )
    secure = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    threading.Thread(target=secure.serve_forever, daemon=True).start()
    https = f"https://localhost:{secure.server_port}"
    run(folder / "out", OPENLINEAGE_URL=https, SSL_CERT_FILE=str(certificate))
    assert [event["eventType"] for _, event in Collector.events[before:]] == ["START", "COMPLETE"]
    run(folder / "out", OPENLINEAGE_URL=https)
    assert len(Collector.events) == before + 2, "a certificate that nobody vouches for"
    del Collector.events[before:]
    # Nobody there: the run is done all the same, and says so.
    ran = subprocess.run(
        [*[word for word in RUN if word != "--quiet"], "--output", str(folder / "out")],
        capture_output=True, text=True, env={"OPENLINEAGE_URL": "http://127.0.0.1:9"},
    )
    assert ran.returncode == 0 and "lineage is not sent" in ran.stderr, ran
    kinds = [(path, event["eventType"]) for path, event in Collector.events]
    lineage, other = "/api/v1/lineage", "/other/place"
    assert kinds == [(lineage, "START"), (lineage, "COMPLETE"), (lineage, "START"), (lineage, "FAIL"), (other, "START"), (other, "COMPLETE")], kinds
    assert Collector.heads[0]["Authorization"] == "Bearer secret"
    events = [event for _, event in Collector.events]
    for event in events:
        uuid.UUID(event["run"]["runId"])
        check_facets(event["run"]["facets"])
        check_facets(event["job"]["facets"])
        for dataset in event["inputs"] + event["outputs"]:
            assert dataset["namespace"] == "file" and dataset["name"].startswith("/")
            for key in ("facets", "inputFacets", "outputFacets"):
                check_facets(dataset.get(key, {}))
    assert events[0]["run"]["runId"] == events[1]["run"]["runId"] != events[2]["run"]["runId"]
    assert events[0]["job"]["namespace"] == "shop"
    assert events[0]["run"]["facets"]["parent"]["run"]["runId"] == parent
    assert events[0]["inputs"][0]["name"] == str(EVENTS)
    record = json.loads((folder / "out/run.json").read_text())
    outputs = {dataset["name"].rsplit("/", 1)[1]: dataset for dataset in events[1]["outputs"]}
    assert set(outputs) == {"sessions", "activity", "measures", "histogram"}, set(outputs)
    assert outputs["sessions"]["outputFacets"]["outputStatistics"]["rowCount"] == record["sessions"]
    fields = [field["name"] for field in outputs["sessions"]["facets"]["schema"]["fields"]]
    assert fields[:2] == ["user_id", "session_id"], fields
    assert "--min-sessions" in events[3]["run"]["facets"]["errorMessage"]["message"]


def dagster_pipes(folder):
    tables = ["sessions", "activity", "measures", "histogram"]
    command = [*RUN, "--output", str(folder / "out"), "--max-rejected", "0.1", "--min-sessions", "1"]

    @dagster.multi_asset(
        specs=[dagster.AssetSpec(dagster.AssetKey(["shop", table])) for table in tables],
        check_specs=[dagster.AssetCheckSpec(name, asset=dagster.AssetKey(["shop", "sessions"])) for name in ("max_rejected", "min_sessions")],
    )
    def all_tables(context: dagster.AssetExecutionContext, pipes: dagster.PipesSubprocessClient):
        extras = {"dwell_checks": ["max_rejected", "min_sessions"]}
        return pipes.run(command=command, context=context, extras=extras).get_results()

    @dagster.asset
    def one(context: dagster.AssetExecutionContext, pipes: dagster.PipesSubprocessClient):
        return pipes.run(command=command, context=context).get_materialize_result()

    @dagster.asset
    def failing(context: dagster.AssetExecutionContext, pipes: dagster.PipesSubprocessClient):
        return pipes.run(command=[*command[:-1], "1000000000"], context=context).get_materialize_result()

    resources = {"pipes": dagster.PipesSubprocessClient()}
    record = lambda: json.loads((folder / "out/run.json").read_text())
    result = dagster.materialize([all_tables], resources=resources)
    assert result.success
    made = {event.asset_key.path[-1]: event.step_materialization_data.materialization for event in result.get_asset_materialization_events()}
    assert set(made) == set(tables), set(made)
    assert made["sessions"].metadata["dagster/row_count"].value == record()["sessions"]
    assert made["sessions"].metadata["rows"].value == record()["rows"]
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert set(checks) == {"max_rejected", "min_sessions"} and all(check.passed for check in checks.values()), checks
    result = dagster.materialize([one], resources=resources)
    (event,) = result.get_asset_materialization_events()
    assert event.step_materialization_data.materialization.metadata["sessions_rows"].value == record()["sessions"]
    result = dagster.materialize([failing], resources=resources, raise_on_error=False)
    assert not result.success


def job_schema():
    schema = json.loads(subprocess.run([DWELL, "schema"], capture_output=True, text=True, check=True).stdout)
    validator = jsonschema.Draft7Validator(schema)
    jsonschema.Draft7Validator.check_schema(schema)
    jobs = sorted(JOBS.glob("*.toml"))
    for job in jobs:
        validator.validate(tomllib.loads(job.read_text()))
    assert len(jobs) > 5
    for wrong in ("[input]\npth = 'x'", "[session]\ngap_equal = 'splt'", "[[chart]]\nname = 1", "[input]\nuser = 3"):
        assert not validator.is_valid(tomllib.loads(wrong)), wrong


def main():
    job_schema()
    for check in (prometheus, openlineage, dagster_pipes):
        with tempfile.TemporaryDirectory() as folder:
            check(pathlib.Path(folder))
        print(check.__name__, "as expected")


if __name__ == "__main__":
    main()
