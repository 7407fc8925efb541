#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A cluster of three ClickHouse servers on this machine, beside a database here: pushing, folding, and asking.

The lines are those of cluster-leastloaded and of the worker of faults-retried, which has the errors, of $ILU_TEST_RUNS: again and again under other names
of runs, on other days and with other transactions. 2 million, and with ILU_BENCH_LARGE=1 on to 20 million ("scale.push.20M" ...), which takes 4 GB of $TMPDIR. $ILU_BENCH_SCALE_LINES says otherwise:
numbers parted by blanks, each more than the one before. The peer of each figure is the same done with the local database, in the same run. Behind each
size but the first stands how times grow from that one ("scale.tid.slope", of a third size "scale.tid.slope.40M"): 100 % is as the lines, 0 % not at all. Without clickhouse-server or the runs
nothing is measured, which is said. Memory of the servers is as docs/scale.md has it.
"""
import datetime, glob, json, math, multiprocessing, os, re, shutil, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.dirname(HERE)  # the program is BUILD/bench/scale_bench
ROOT = os.getcwd()
sys.path.insert(0, os.path.join(ROOT, "tests/cluster"))
import servers

LOGQ = os.path.join(BUILD, "bin/ilu-logq")
REPEATS = 5
PIECE = 10  # runs that are pushed together
DAY = datetime.date(2026, 11, 23)  # of the run's lines
TID = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


def figure(name, value, unit, peer=None, peer_value=None):
    print(json.dumps({"bench": name, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value}), flush=True)


# ---- programs and what they take ----


class Done:
    """A program that was called: seconds from beginning to end, of processors, bytes of memory at the most, and its answer."""

    def __init__(self, *args, answer=False):
        begin = time.monotonic()
        p = subprocess.Popen([LOGQ, "-q", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if answer else subprocess.DEVNULL)
        self.answer = p.stdout.read().decode() if answer else None
        _, status, used = os.wait4(p.pid, 0)
        self.wall = time.monotonic() - begin
        self.own = used.ru_utime + used.ru_stime
        self.memory = used.ru_maxrss * 1024
        p.returncode = os.waitstatus_to_exitcode(status)
        if p.returncode not in (0, 1):
            sys.exit(f"ilu-logq {' '.join(args)}: status {p.returncode}")


def server_seconds(cluster):
    ticks = 0
    for s in cluster.servers:
        with open(f"/proc/{s.process.pid}/stat") as f:
            ticks += sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def stored(cluster, database):
    """Bytes of the lines on the servers' disks."""
    return sum(int(x) for x in cluster.ask_all(
        f"SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = '{database}' AND table = 'event'").split())


# ---- lines ----
# They are made by a process of their own: a program's memory counts from that of whoever calls it.


def logs_of_runs():
    """Paths, by the names that they get."""
    runs = os.environ.get("ILU_TEST_RUNS", "/nonexistent")
    logs = {os.path.basename(p).removesuffix(".zst"): p for p in glob.glob(os.path.join(runs, "cluster-leastloaded", "*.log*"))}
    return logs | {"worker_4.log": p for p in glob.glob(os.path.join(runs, "faults-retried", "worker_0.log*"))}


def read_logs(paths):
    """Of each log its text, and where in it ids of transactions end."""
    global logs
    logs = {}
    with tempfile.TemporaryDirectory(prefix="ilu-bench-") as dir:
        db = os.path.join(dir, "texts.db")
        for name, p in paths.items():
            subprocess.run([LOGQ, "-q", "-d", db, "load", p], check=True)
            text = bytearray(subprocess.run([LOGQ, "-d", db, "cat", p], check=True, stdout=subprocess.PIPE).stdout)
            logs[name] = text, [m.end() for m in TID.finditer(text)]


def write_run(to, n):
    """The logs n days later, with the number of the run at the end of each transaction's id."""
    number = b"%04x" % n
    date, other = DAY.isoformat().encode(), (DAY + datetime.timedelta(n)).isoformat().encode()
    os.mkdir(to)
    for name, (text, ends) in logs.items():
        for end in ends:
            text[end - 4 : end] = number
        with open(os.path.join(to, name), "wb") as f:
            f.write(text.replace(date, other))


# ---- measuring ----


class Sums:
    def __init__(self):
        self.loaded = self.pushed = self.own = self.servers = self.memory = 0


class Scale:
    def __init__(self, cluster, dir, maker):
        self.cluster, self.dir, self.maker = cluster, dir, maker
        self.url, self.db = cluster.url("bench"), os.path.join(dir, "bench.db")
        self.runs = self.lines = 0
        self.sloped = set()  # names of figures
        self.first = {}  # of each question the lines and seconds at the first size
        Done("push", "--create", self.url)

    def load(self, sums, piece, runs):
        """So many more runs into the database here, and for the push into one of their own."""
        logs = [os.path.join(self.dir, f"run{self.runs + 1 + i}") for i in range(runs)]
        for to in logs:
            self.runs += 1
            self.maker.apply(write_run, (to, self.runs))
        sums.loaded += Done("-d", piece, "load", *logs).wall
        Done("-d", self.db, "load", *logs)
        for to in logs:
            shutil.rmtree(to)

    def push(self, sums, piece):
        before = server_seconds(self.cluster)
        done = Done("-d", piece, "push", self.url)
        sums.pushed += done.wall
        sums.own += done.own
        sums.servers += server_seconds(self.cluster) - before
        sums.memory = max(sums.memory, done.memory)
        os.remove(piece)

    def count(self):
        return int(Done("-d", self.db, "--format", "csv", "sql", "SELECT sum(lines) AS n FROM source", answer=True).answer.split()[1])

    def grow(self, most, suffix):
        """Loads and pushes until there are so many lines."""
        piece, sums, before = os.path.join(self.dir, "piece.db"), Sums(), self.lines
        while self.lines < most:
            self.load(sums, piece, min(PIECE, math.ceil((most - self.lines) * self.runs / self.lines)) if self.lines else 1)
            self.push(sums, piece)
            self.lines = self.count()
        lines = self.lines - before
        figure("scale.push" + suffix, lines / sums.pushed, "1/s", "load", lines / sums.loaded)
        figure("scale.cost" + suffix, sums.own / lines * 1e6, "us", "servers", sums.servers / lines * 1e6)
        figure("scale.memory" + suffix, sums.memory, "B")
        figure("scale.stored" + suffix, stored(self.cluster, "bench") / self.lines, "B", "database", os.path.getsize(self.db) / self.lines)

    def fold(self, suffix):
        """What has come since the last fold."""
        before = server_seconds(self.cluster)
        done = Done("fold", self.url)
        figure("scale.fold" + suffix, done.wall, "s")
        lines = self.lines - self.first.get("lines", 0)
        figure("scale.fold_cost" + suffix, done.own / lines * 1e6, "us", "servers", (server_seconds(self.cluster) - before) / lines * 1e6)

    def ask(self, suffix):
        tid = Done("-d", self.db, "--format", "csv", "sql", "SELECT max(tid) AS tid FROM invocation", answer=True).answer.split()[1]
        asked = {"tid": ["timeline", tid], "invocations": ["invocations"], "phases": ["phases"], "errors": ["errors", "--level", "warn"],
                 "gaps": ["gaps"], "spans": ["spans"]}
        for name, command in asked.items():
            seconds = [sorted(Done("-d", d, "--format", "csv", *command).wall for _ in range(REPEATS))[REPEATS // 2] for d in (self.url, self.db)]
            figure(f"scale.{name}{suffix}", seconds[0], "s", "database", seconds[1])
            self.slope(name, seconds, suffix)

    def slope(self, name, seconds, suffix):
        """The power of the number of lines that times grow with."""
        if name not in self.first:
            self.first[name] = self.lines, seconds
            return
        lines, before = self.first[name]
        there, here = (100 * math.log(now / then) / math.log(self.lines / lines) for now, then in zip(seconds, before))
        figure(f"scale.{name}.slope" + (suffix if name in self.sloped else ""), there, "%", "database", here)
        self.sloped.add(name)

    def measure(self, most, suffix):
        self.grow(most, suffix)
        self.fold(suffix)
        self.ask(suffix)
        self.first["lines"] = self.lines


def sizes():
    """Numbers of lines, each with what stands behind the names of its figures."""
    given = os.environ.get("ILU_BENCH_SCALE_LINES", "2000000 20000000" if os.environ.get("ILU_BENCH_LARGE") else "2000000")
    numbers = [int(n) for n in given.split()]
    for i, n in enumerate(numbers):
        yield n, f".{n // 1000000}M" if i and n % 1000000 == 0 else f".{n}" if i else ""


def main():
    logs = logs_of_runs()
    if not servers.SERVER or "controller.log" not in logs or "worker_4.log" not in logs:
        print("scale: no clickhouse-server, or no runs in $ILU_TEST_RUNS: not measured", file=sys.stderr)
        return
    os.environ.setdefault("MALLOC_CONF", "oversize_threshold:0,dirty_decay_ms:60000,muzzy_decay_ms:60000")
    with tempfile.TemporaryDirectory(prefix="ilu-bench-") as dir, multiprocessing.Pool(1, read_logs, (logs,)) as maker, servers.Cluster(3) as cluster:
        scale = Scale(cluster, dir, maker)
        for most, suffix in sizes():
            scale.measure(most, suffix)


if __name__ == "__main__":
    main()
