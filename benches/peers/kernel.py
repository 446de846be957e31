"""What one partition takes: events through `dwell kernel`, as a task of Spark or Ray hands them over.

usage: python benches/peers/kernel.py DWELL EVENTS [--millions 5 50 200] [--memory-limit 1GiB] [--job "timeout = '30m'"]

EVENTS is a folder of made-up events (`cargo run --release --example generate -- --columns bench …`). Where more are asked for than it
has, they come again as events of other users. One thread, as in a task. `pip install pyarrow`.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

COLUMNS = ["user_id", "event_time", "event_type", "session_id"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dwell")
    parser.add_argument("events")
    parser.add_argument("--millions", type=int, nargs="+", default=[5, 50, 200])
    parser.add_argument("--memory-limit", default="1GiB")
    parser.add_argument("--job", default="timeout = '30m'", help="the lines of [session]")
    given = parser.parse_args()
    print(f"{'events':>10} {'seconds':>8} {'handing':>8} {'peak MiB':>9} {'rows':>10}  million a second")
    for millions in given.millions:
        seconds, handing, peak, rows = stream(given, millions * 1_000_000)
        print(f"{millions:>9}M {seconds:8.1f} {handing:8.1f} {peak >> 20:>9} {rows:>10,}  {millions / seconds:.2f}", flush=True)


def stream(given, events):
    """Seconds of the whole, of handing events over, the program's peak of memory, and how many sessions came."""
    with tempfile.TemporaryDirectory() as folder:
        job = pathlib.Path(folder, "job.toml")
        job.write_text(f"[session]\n{given.job}\n")
        command = [given.dwell, "kernel", job, "--latest", "stream", "--threads", "1", "--memory-limit", given.memory_limit, "--temp-dir", folder, "--quiet"]
        begun = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        made = {"rows": 0}
        reader = threading.Thread(target=read, args=(process.stdout, made))
        reader.start()
        sent = 0
        writer = None
        try:
            for batch in batches(given.events, events):
                writer = writer or pa.ipc.new_stream(process.stdin, batch.schema)
                writer.write_batch(batch)
                sent += batch.num_rows
            writer.close()
            process.stdin.close()
        except BaseException:
            process.kill()
            raise
        handed = time.monotonic() - begun
        reader.join()
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"dwell ended with {os.waitstatus_to_exitcode(status)}")
        assert sent == events, (sent, events)
        return time.monotonic() - begun, handed, usage.ru_maxrss << 10, made["rows"]


def batches(folder, wanted):
    """Batches of 10,000 rows, as Spark hands them over."""
    files = ds.dataset(folder, partitioning="hive")
    columns = [name for name in COLUMNS if name in files.schema.names]
    round_, left = 0, wanted
    while left:
        for batch in files.to_batches(columns=columns, batch_size=10_000):
            if not left:
                return
            batch = batch.slice(0, min(left, batch.num_rows))
            left -= batch.num_rows
            yield batch if round_ == 0 else of_others(batch, round_)
        round_ += 1


def of_others(batch, number):
    """The events of a batch as those of other users."""
    users = batch.column(0)
    if pa.types.is_integer(users.type):
        users = pc.add(users, pa.scalar(number << 40, users.type))
    else:
        users = pc.binary_join_element_wise(users.cast(pa.string()), str(number), "-").cast(batch.schema.field(0).type)
    return batch.set_column(0, batch.schema.field(0), users)


def read(pipe, made):
    for batch in pa.ipc.open_stream(pipe):
        made["rows"] += batch.num_rows


if __name__ == "__main__":
    main()
