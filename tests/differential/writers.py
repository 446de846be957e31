"""Writers of Parquet, each with what it can choose chosen at random."""

import subprocess

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

WRITERS = ["pyarrow", "pyarrow", "parquet-rs", "parquet-rs", "duckdb", "polars"]


def write(writer, table, path, rng, rewrite):
    """Writes a table, and says how."""
    pick = lambda values: values[int(rng.integers(len(values)))]
    rows = max(1, len(table))
    group = pick([rows, rows // 2 + 1, rows // 7 + 1, 100])
    path.parent.mkdir(parents=True, exist_ok=True)
    return {"pyarrow": by_pyarrow, "parquet-rs": by_parquet_rs, "duckdb": by_duckdb, "polars": by_polars}[writer](
        table, path, rng, pick, group, rewrite
    )


def by_pyarrow(table, path, rng, pick, group, _rewrite):
    dictionary = pick([True, True, False, [name for name in table.column_names if rng.random() < 0.5]])
    options = {
        "row_group_size": group,
        "compression": pick(["none", "snappy", "gzip", "brotli", "zstd", "lz4"]),
        "use_dictionary": dictionary,
        "dictionary_pagesize_limit": pick([1 << 20, 64, 2000]),
        "data_page_version": pick(["1.0", "2.0"]),
        "data_page_size": pick([1 << 20, 100, 3000]),
        "write_batch_size": pick([1024, 16, 100]),
        "write_statistics": pick([True, True, False, [name for name in table.column_names if rng.random() < 0.5]]),
        "write_page_index": pick([True, False]),
        "store_schema": pick([True, False]),
        "version": pick(["2.6", "2.6", "2.4", "1.0"]),
        "use_deprecated_int96_timestamps": pick([False, False, False, True]),
        "store_decimal_as_integer": pick([False, True]),
    }
    if dictionary is False:
        options["column_encoding"] = {
            field.name: pick(encodings(field.type))
            for field in table.schema
            # INT96 has but one.
            if encodings(field.type) and not (options["use_deprecated_int96_timestamps"] and pa.types.is_timestamp(field.type))
        }
    if options["version"] != "2.6":  # which are coarser
        options |= {"coerce_timestamps": "us", "allow_truncated_timestamps": True}
    pq.write_table(table, path, **options)
    return options


def encodings(of):
    if pa.types.is_string(of) or pa.types.is_large_string(of):
        return ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"]
    if pa.types.is_int32(of) or pa.types.is_int64(of) or pa.types.is_timestamp(of):
        return ["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"]
    if pa.types.is_floating(of) and not pa.types.is_float16(of):
        return ["PLAIN", "BYTE_STREAM_SPLIT"]
    return ["RLE"] if pa.types.is_boolean(of) else []


def by_parquet_rs(table, path, rng, pick, group, rewrite):
    """Through a plain file that the Parquet crate rewrites: what it chooses follows from the number given."""
    seed = int(rng.integers(1 << 32))
    plain = path.with_suffix(".plain")
    pq.write_table(table, plain)
    done = subprocess.run([rewrite, str(seed), str(group), plain, path], capture_output=True, text=True)
    plain.unlink()
    if done.returncode:
        raise RuntimeError(done.stderr)
    return {"seed": seed, "row_group_size": group} | {"said": done.stdout.strip()}


def by_duckdb(table, path, rng, pick, group, _rewrite):
    version = pick(["V1", "V2"])
    options = {
        "COMPRESSION": pick(["uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli"]),
        "ROW_GROUP_SIZE": group,
        "PARQUET_VERSION": version,
        "DICTIONARY_SIZE_LIMIT": pick([1, 10, 100_000]),
        "WRITE_BLOOM_FILTER": pick(["true", "false"]),
    }
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("events", table)
    said = ", ".join(f"{key} {value}" for key, value in options.items())
    connection.execute(f"COPY (SELECT * FROM events) TO '{path}' (FORMAT parquet, {said})")
    return options


def by_polars(table, path, rng, pick, group, _rewrite):
    options = {
        "compression": pick(["uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4"]),
        "statistics": pick([True, False, "full"]),
        "row_group_size": group,
        "data_page_size": pick([None, 500, 5000]),
    }
    polars.from_arrow(table).write_parquet(path, **options)
    return options
