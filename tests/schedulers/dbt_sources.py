"""The sources file that `dwell dbt` prints, used by dbt itself: models read every table through it, and each column has the type
that the file says.

    pip install 'dbt-core<1.11' 'dbt-duckdb<1.11'
    python tests/schedulers/dbt_sources.py target/release/dwell data/events
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import duckdb
import yaml
from dbt.cli.main import dbtRunner

DWELL, EVENTS = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
JOB = f"""
[input]
path = "{EVENTS}"
[session]
timeout = "30m"
[output]
path = "tables of a 'shop' [1]"
timezone = "Europe/Paris"
[[segment]]
name = "mobile apps"
where = "platform IN ('ios', 'android')"
[[chart]]
name = "campaigns"
interval = "week"
group_by = {{ first = "utm_source", top = 3 }}
"""
TYPES = {
    "varchar": "VARCHAR",
    "bigint": "BIGINT",
    "uinteger": "UINTEGER",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
}


def printed(*arguments):
    return subprocess.run([DWELL, "dbt", *arguments], capture_output=True, text=True, check=True).stdout


def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    os.chdir(folder)
    pathlib.Path("dwell.toml").write_text(JOB)
    subprocess.run([DWELL, "run", "--quiet"], check=True)
    text = printed()
    source = yaml.safe_load(text)["sources"][0]
    tables = {table["name"]: {column["name"]: column for column in table["columns"]} for table in source["tables"]}
    names = {"sessions", "activity", "sessions_mobile_apps", "activity_mobile_apps", "measures", "histogram"}
    assert set(tables) == names, tables.keys()
    assert "external_location" not in printed("--schema", "analytics")

    pathlib.Path("models").mkdir()
    pathlib.Path("models/sources.yml").write_text(text)
    for name in tables:
        pathlib.Path(f"models/all_{name}.sql").write_text(f"select * from {{{{ source('dwell', '{name}') }}}}")
    pathlib.Path("dbt_project.yml").write_text("name: shop\nversion: '1.0.0'\nprofile: shop\nmodels:\n  +materialized: table\n")
    pathlib.Path("profiles.yml").write_text(
        "shop:\n  target: here\n  outputs:\n    here:\n      type: duckdb\n      path: shop.duckdb\n"
    )
    ran = dbtRunner().invoke(["--quiet", "--no-send-anonymous-usage-stats", "run", "--profiles-dir", "."])
    assert ran.success, ran.exception

    shop = duckdb.connect("shop.duckdb")
    record = json.loads(next(folder.glob("tables*/run.json")).read_text())
    assert shop.sql("select count(*) from all_sessions").fetchall()[0][0] == record["sessions"]
    for name, columns in tables.items():
        made = {row[0]: row[1] for row in shop.sql(f"describe all_{name}").fetchall()}
        assert made == {column: TYPES[said["data_type"]] for column, said in columns.items()}, (name, made)
        described = [column for column, said in columns.items() if said["description"] != "A column that the job adds"]
        assert set(columns) - set(described) <= {"first_utm_source"}, name
    print("dbt as expected")


if __name__ == "__main__":
    main()
