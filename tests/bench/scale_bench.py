#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A cluster of three ClickHouse servers on this machine, beside a database here: pushing, and asking.

The lines are those of cluster-leastloaded of $ILU_TEST_RUNS, again and again as if on other days, 2 million of them; $ILU_BENCH_SCALE_LINES says
otherwise, and several numbers parted by blanks measure each (20000000 takes some 15 GB of $TMPDIR). The peer of each figure is the same done with the local
database, in the same run. Without clickhouse-server or the run nothing is measured, which is said. Memory of the servers is as docs/scale.md has it.
"""
import datetime, glob, json, os, resource, shutil, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.dirname(HERE)  # the program is BUILD/bench/scale_bench
ROOT = os.getcwd()
sys.path.insert(0, os.path.join(ROOT, "tests/cluster"))
import servers

LOGQ = os.path.join(BUILD, "bin/ilu-logq")
REPEATS = 5


def call(*args):
    begin = time.monotonic()
    p = subprocess.run([LOGQ, "-q", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if p.returncode not in (0, 1):
        sys.exit(f"ilu-logq {' '.join(args)}: status {p.returncode}: {p.stderr}")
    return time.monotonic() - begin, p.stdout


def figure(name, value, unit, peer=None, peer_value=None):
    print(json.dumps({"bench": name, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value}), flush=True)


def median(f):
    return sorted(f() for _ in range(REPEATS))[REPEATS // 2]


def spent(cluster):
    """Processor seconds of the programs that were called, and of the servers."""
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for s in cluster.servers:
        with open(f"/proc/{s.process.pid}/stat") as f:
            ticks += sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13])
    return own.ru_utime + own.ru_stime, ticks / os.sysconf("SC_CLK_TCK")


def stored(cluster, database):
    """Bytes on the servers' disks."""
    return sum(int(x) for x in cluster.ask_all(f"SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = '{database}'").split())


def other_day(dir, logs, n):
    """The logs with their times n days later; a load would take the same ones for copies."""
    day = datetime.date(2026, 11, 23)
    to = os.path.join(dir, f"day{n}")
    os.mkdir(to)
    for path, text in logs.items():
        with open(os.path.join(to, os.path.basename(path).removesuffix(".zst")), "w") as f:
            f.write(text.replace(day.isoformat(), (day + datetime.timedelta(n)).isoformat()))
    return to


def texts_of(dir, paths):
    db = os.path.join(dir, "texts.db")
    call("-d", db, "load", *paths)
    return {p: call("-d", db, "cat", p)[1] for p in paths}


def measure(cluster, dir, logs, most, suffix):
    database = f"bench{suffix.replace('.', '_')}"
    url, db = cluster.url(database), os.path.join(dir, f"{database}.db")
    call("push", "--create", url)
    pushed = loaded = lines = run = 0
    own = servers_own = 0
    while lines < most:
        run += 1
        day = other_day(dir, logs, run)
        loaded += call("-d", db, "load", "--run", f"run {run}", day)[0]
        one = os.path.join(dir, "one.db")
        call("-d", one, "load", "--run", f"run {run}", day)
        before = spent(cluster)
        pushed += call("-d", one, "push", url)[0]
        own, servers_own = (a + c - b for a, b, c in zip((own, servers_own), before, spent(cluster)))
        os.remove(one)
        shutil.rmtree(day)
        lines = int(call("-d", db, "--format", "csv", "sql", "SELECT sum(lines) AS n FROM source")[1].split()[1])
    figure("scale.push" + suffix, lines / pushed, "1/s", "load", lines / loaded)
    figure("scale.cost" + suffix, own / lines * 1e6, "us", "servers", servers_own / lines * 1e6)
    figure("scale.stored" + suffix, stored(cluster, database) / lines, "B", "database", os.path.getsize(db) / lines)
    has_fold = subprocess.run([LOGQ, "help", "fold"], capture_output=True).returncode == 0
    if has_fold:
        before = spent(cluster)
        figure("scale.fold" + suffix, call("fold", url)[0], "s")
        own, servers_own = (b - a for a, b in zip(before, spent(cluster)))
        figure("scale.fold_cost" + suffix, own / lines * 1e6, "us", "servers", servers_own / lines * 1e6)
    tids = call("-d", db, "--format", "csv", "sql", "SELECT tid FROM invocation ORDER BY tid LIMIT 1")[1].split()[1:]
    for name, command in ("tid", ["events", "--tid", tids[0]]), ("invocations", ["invocations"]), ("phases", ["phases"]), ("errors", ["errors", "--level", "warn"]):
        there, here = (median(lambda: call("-d", d, "--format", "csv", *command)[0]) for d in (url, db))
        figure(f"scale.{name}{suffix}", there, "s", "database", here)


def main():
    logs = glob.glob(os.path.join(os.environ.get("ILU_TEST_RUNS", "/nonexistent"), "cluster-leastloaded", "*.log*"))
    if not servers.SERVER or not logs:
        print("scale: no clickhouse-server, or no run in $ILU_TEST_RUNS: not measured", file=sys.stderr)
        return
    os.environ.setdefault("MALLOC_CONF", "oversize_threshold:0,dirty_decay_ms:60000,muzzy_decay_ms:60000")
    sizes = os.environ.get("ILU_BENCH_SCALE_LINES", "2000000").split()
    with tempfile.TemporaryDirectory(prefix="ilu-bench-") as dir, servers.Cluster(3) as cluster:
        logs = texts_of(dir, logs)
        for n in sizes:
            measure(cluster, dir, logs, int(n), "" if len(sizes) == 1 else f".{int(n)}")


if __name__ == "__main__":
    main()
