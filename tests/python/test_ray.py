"""Sessions by Ray are those of `dwell run`, row for row and value for value."""

import pyarrow as pa
import pytest
from conftest import DEFINITIONS, rows_of, run

import dwell
import dwell.ray

ray = pytest.importorskip("ray")
data = pytest.importorskip("ray.data")


@pytest.fixture(scope="module")
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def table_of(dataset):
    return pa.concat_tables([block for block in ray.get(dataset.to_arrow_refs()) if block.num_rows])


@pytest.mark.parametrize("name", DEFINITIONS)
def test_sessions_are_those_of_a_run(cluster, events, tmp_path, name):
    expected, _ = run(events, DEFINITIONS[name], tmp_path)
    dataset = data.from_arrow([events.slice(0, 1000), events.slice(1000, 1500), events.slice(2500)])
    assert rows_of(table_of(dwell.ray.sessionize(dataset, DEFINITIONS[name], parts=3))) == expected


def test_mistakes_are_said_before_anything_runs(cluster, events):
    dataset = data.from_arrow(events)
    with pytest.raises(dwell.DwellError, match="usr"):
        dwell.ray.sessionize(dataset, {"input": {"user": "usr"}, "session": {"timeout": "30m"}})
    wide = events.set_column(0, "user_id", pa.array([1.0] * events.num_rows))
    with pytest.raises(dwell.DwellError, match="cast the column"):
        dwell.ray.sessionize(data.from_arrow(wide), {"session": {"timeout": "30m"}})
