# SPDX-License-Identifier: Apache-2.0
"""Questions of a cluster: what comes is what a database here says, byte for byte, but for numbers that a database gives."""
import csv, glob, io, json, os, random, re, shutil, signal, subprocess, tempfile, time

import current

# Each as it is typed behind `ilu-logq -d ...`.
LINES = [
    "events --limit 200",
    "events --since +20s --until +40s",
    "events --level warning",
    "events --level info --target dispatching --limit 500",
    "events --target *registry* --limit 100",
    "events --message *container* --limit 300",
    "events --grep queue_len --limit 50",
    "events --errors -C 2",
    "events --tail 5",
    "events --until +30s --foreign --limit 1000",
    "errors --level warning --since +10s",
]
ALL = [
    "patterns",
    "patterns --level INFO",
    "status",
    "status --every 10",
    "series",
    "series cpu_len",
    "gaps",
    "gaps --limit 0",
    "invocations",
    "invocations --sort -queueing_sec --limit 20",
    "functions",
    "phases",
    "phases --by function",
    "phases --by worker",
    "containers",
    "batches",
    "runs",
    "spans",
    "spans --slowest 30",
    "energy",
    "lint",
    "hangs",
    "storms",
    "diagnose mount",
    "summary",
    "slow",
    "blame",
    "blame --by container",
    "blame --by tid --limit 0",
    "blame --cold",
    "blame --cold --by tid",
    "blame --cold --by container",
    "blame --function aes*",
    "blame --cores 2",
    "compare +0s..+3m +3m..+6m --show lines",
]
MANY = 40  # runs of a day each
# What a message or a span of a line may be.
MESSAGES = ["Container acquired", "it's 7 \\ \t \n ü of 31", "len: 12 popped: 4f5a6b7c8d", "(sent)", "", "x" * 1020 + " \n 12 " * 9, None, "new", "close", "enter", "exit"]
SPANS = [{"name": "plain"}, {"a": 1, "b": "\"name\":\"no\"", "name": "a \\ \" b"}, {"in": {"name": "inner"}, "name": "{outer}"}, {"list": [1, {"name": "in"}], "name": ""}, {"in": {"name": "inner"}}, {"name": 7}]
# Also as JSON, which names no column of a database.
WHY = ["blame", "blame --cold", "blame --heat", "compare +0s..+3m +3m..+6m", "compare r@..+2m 1@+1m.. --by worker", "compare r 1@+2m..+3m --show lines", "slow", "slow --over 500ms"]
# Most lines; none that these read as they stand.
NOT_READ = ["new", "close", "returning container", "Handling invocation request"]
# Of several runs, with lines of level debug: those of queues and removals.
BLAMED = ["blame", "blame --by container", "blame --cold", "blame --cold --by tid", "blame --run 2", "blame --heat --run 1", "blame --cold --run 1"]
# The same runs beside each other; errors, spans with names, a field of the requests' lines.
COMPARED = ["1 2", "2 1 --show lines", "1 2 --by hour", "1 2 --by compute", "1 2 --by pool_type --show lines", "1@+0s..+40s 2@+1m.. --show parts", "1@+0s..+40s +40s..", "1 2 --tolerate 90%", "1 nowhere", "1 2 --by nothing"]

# All sections of a report; and those that need no lines but what warns.
SECTIONS = "summary findings charts functions phases blame slow slowest failed timelines errors patterns spans runs sources".split()
FEW_SECTIONS = "charts functions phases slowest failed errors runs sources".split()

# Its tables of which a row takes the place of an older one.
FOLDED = "invocation attempt phase lock container function batch series pattern finding detail evidence".split()

# Of two runs, one of which hangs.
FINDINGS = ["hangs", "lint", "storms", "runs", "phases --run 1", "functions --run 2", "invocations --status failed", "patterns", "summary", "hangs --run 1"]


def without(text, names=("id", "run", "source", "parent")):
    """CSV without the columns that are numbers of a database."""
    rows = list(csv.reader(io.StringIO(text)))
    keep = [i for i, n in enumerate(rows[0]) if n not in names] if rows else []
    return [[plain(r[i]) if i < len(r) else None for i in keep] for r in rows]


def plain(value):
    """Evidence without the numbers in it."""
    if not value.startswith("[{"):
        return value
    try:
        return [{k: v for k, v in o.items() if k not in ("event", "source", "run", "id")} for o in json.loads(value)]
    except (ValueError, AttributeError):
        return value


def difference(a, b):
    return [x for x in zip(a, b) if x[0] != x[1]][:2] or (len(a), len(b))


def compare(bed, db, url, command, env=None):
    here, there = (bed.call("-d", d, "--format", "csv", *command.split(), env=env) for d in (db, url))
    assert here.returncode == there.returncode, (command,  here.returncode, there.returncode, there.stderr)
    a, b = without(here.stdout), without(there.stdout)
    assert a == b, (command, difference(a, b))
    return len(a)


def same_words(bed, db, url, *command):
    """The same, byte for byte, also what is said beside it."""
    here, there = (bed.call("-d", d, *command) for d in (db, url))
    for p in here, there:
        p.stdout, p.stderr = (text.replace(db, "DB").replace(url, "DB") for text in (p.stdout, p.stderr))
    assert (here.returncode, here.stdout, here.stderr) == (there.returncode, there.stdout, there.stderr), (command, here.returncode, there.returncode, there.stderr, difference(here.stdout.splitlines(), there.stdout.splitlines()))


def compare_reports(bed, db, url, sections, *args):
    """The pages of both, byte for byte; sections None: as they are by default."""
    path = os.path.join(bed.dir, "sections")
    if sections:
        with open(path, "w") as f:
            f.write("\n".join(sections) + "\n")
        args = "--sections", path, *args
    for end in "html", "md":
        pages = [os.path.join(bed.dir, f"{side}.{end}") for side in ("here", "there")]
        for d, page in zip((db, url), pages):
            bed.do("-q", "-d", d, "report", "-o", page, *args)
        texts = [open(page).read() for page in pages]
        assert texts[0] == texts[1] and len(texts[0]) > 2000, (sections, args, difference(*(t.splitlines() for t in texts)))


def home(tid, shards=3):
    """Where the lines of a transaction are."""
    h = 14695981039346656037
    for byte in tid.encode():
        h = (h ^ byte) * 1099511628211 % 2**64
    return (h ^ h >> 32) % shards


def exported(bed, d, name):
    """What an export writes to a directory: rows without numbers of the database, columns in any order."""
    dir, files = os.path.join(bed.dir, "exported"), {}
    shutil.rmtree(dir, ignore_errors=True)
    p = bed.call("-d", d, "export", name, "-o", dir)
    for file in sorted(set(os.listdir(dir)) - {"README.md"} if os.path.isdir(dir) else ()):
        with open(os.path.join(dir, file)) as f:
            text = f.read()
        rows = without(text) if file.endswith(".csv") else [[line] for line in sorted(text.splitlines())]
        files[file] = [dict(zip(rows[0], r)) for r in rows]
    return p.returncode, p.stderr, files


def prepared(bed):
    """A database here, and the same on the cluster, once for all tests."""
    if not hasattr(bed, "asking"):
        url, db = bed.fresh("questions"), os.path.join(bed.dir, "questions.db")
        bed.do("-q", "-d", db, "load", "--run", "r", *bed.files, *bed.results)
        bed.do("-q", "-d", db, "push", url)
        bed.refused(2, "ilu-logq fold", "-d", url, "phases")
        bed.do("-q", "fold", url)
        bed.asking = db, url
    return bed.asking


def stopped(bed, command):
    """A process that stands still and has something in $TMPDIR, however late we look; or one that has ended."""
    p = subprocess.Popen([bed.logq, "-q", *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": bed.tmp})
    while p.poll() is None:
        p.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, p.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if os.listdir(bed.tmp):
            break
        p.send_signal(signal.SIGCONT)
        time.sleep(0.005)
    return p


def caught(bed, command, number, before=lambda: None):
    """The status of a process that got a signal while it had something in $TMPDIR."""
    for _ in range(50):
        before()
        p = stopped(bed, command)
        p.send_signal(number)
        p.send_signal(signal.SIGCONT)
        if p.wait():
            break
    return p.returncode


def register(test):
    @test
    def lines_are_answered_as_here(bed):
        db, url = prepared(bed)
        for command in LINES:
            compare(bed, db, url, command)
        bed.refused(2, "--level loud", "-d", url, "events", "--level", "loud")
        bed.refused(2, "no such run", "-d", url, "events", "--run", "nowhere")
        bed.refused(2, "is not before", "-d", url, "errors", "--since", "+9s", "--until", "+8s")
        bed.refused(2, "--follow is not asked", "-d", url, "events", "--follow")

    @test
    def every_command_is_answered_as_here(bed):
        db, url = prepared(bed)
        reader = bed.cluster.url("questions", user="reader@")
        for command in ALL:
            compare(bed, db, reader, command, env={"ILU_LOGQ_PASSWORD": "read me"})
        for command in ["summary"], ["report", "-o", "-", "--run", "r"]:
            texts = [bed.call("-d", d, *command).stdout for d in (db, url)]
            assert texts[0] == texts[1], (command, [x for x in zip(*(t.splitlines() for t in texts)) if x[0] != x[1]][:3])
        for command in WHY:
            same_words(bed, db, url, *command.split())
            same_words(bed, db, url, "--format", "json", *command.split())
        tids = bed.do("-q", "-d", db, "--format", "csv", "sql", "SELECT tid FROM invocation ORDER BY end_ns - arrived_ns DESC LIMIT 2").split()[1:]
        for tid in tids:
            for by in (), ("--by", "function"), ("--by", "tid"), ("--cold", "--by", "container"):
                same_words(bed, db, url, "blame", tid[:12], *by)
        bed.refused(2, "no transaction begins with zz", "-d", url, "blame", "zz")
        compare_reports(bed, db, url, None)
        for sections in ["timelines"], ["blame", "functions", "phases"], ["slow", "functions", "phases"]:
            compare_reports(bed, db, url, sections)
        assert not os.listdir(bed.tmp), "something was left over"

    @test
    def why_is_told_as_here(bed):
        """Of two runs, with lines of level debug in one of them."""
        runs = os.environ.get("ILU_TEST_RUNS", "/nonexistent")
        url, db = bed.fresh("blamed"), os.path.join(bed.dir, "blamed.db")
        dirs = [os.path.join(runs, r) for r in ("live-debug", "live-info")]
        if not all(map(os.path.isdir, dirs)):
            return "there are no runs of level debug: $ILU_TEST_RUNS names none"
        for i, dir in enumerate(dirs):
            bed.do("-q", "-d", db, "load", "--run", f"run {i}", *sorted(p for p in glob.glob(os.path.join(dir, "*.log*")) if "cli" not in p))
        bed.do("-q", "-d", db, "push", url)
        bed.refused(2, "ilu-logq fold", "-d", url, "compare", "1", "2")
        bed.do("-q", "fold", url)
        assert compare(bed, db, url, "diagnose mount") > 20, "what failed is told by two logs, one of them without transactions"
        for command in BLAMED:
            same_words(bed, db, url, *command.split())
        tid = bed.do("-q", "-d", db, "--format", "csv", "sql", "SELECT tid FROM event WHERE tid IS NOT NULL AND tid NOT IN (SELECT tid FROM invocation) LIMIT 1").split()[1]
        same_words(bed, db, url, "blame", tid)
        for options in (), ("--run", "1"), ("--run", "2", "--over", "p90"), ("--function", "hello"):
            same_words(bed, db, url, "slow", *options)
            same_words(bed, db, url, "--format", "json", "slow", *options)
        for words in COMPARED:
            for format in "text", "json":
                same_words(bed, db, url, "--format", format, "compare", *words.split())
        same_words(bed, db, url, "compare", "1", db + ":2")
        several = [s for s in SECTIONS if s not in ("patterns", "sources")]  # which have numbers of the database
        compare_reports(bed, db, url, several)
        compare_reports(bed, db, url, several, "--run", "1")
        pages = [os.path.join(bed.dir, name) for name in ("here.html", "there.html")]
        for d, page in zip((db, url), pages):
            p = bed.call("-d", d, "compare", "1", "2", "-o", page)
            assert p.returncode in (0, 1), p.stderr
        assert open(pages[0]).read() == open(pages[1]).read()
        assert bed.do("-q", "-d", bed.cluster.url("nowhere"), "compare", db + ":1", db + ":1"), "both words name files: no cluster is asked"

    @test
    def rules_of_a_fold_are_those_of_questions(bed):
        """Who asks has not been given them: phases, timelines and verdicts are as here nevertheless; under the built-in ones again they are gone."""
        url, dbs, path, rules = bed.fresh("ruled"), [os.path.join(bed.dir, f"{name}.db") for name in ("unruled", "ruled")], os.path.join(bed.dir, "ruled.log"), os.path.join(bed.dir, "it's my.json")
        with open(path, "w") as f:
            for i in range(300):
                f.write(json.dumps({"ts": 1764500000 + i + i % 3 * (i % 7) / 10, "level": "info", "msg": ["began", "looked at it", "done"][i % 3], "trace_id": f"q{i // 3}", "logger": "x.y", "zone": f"z{i // 3 % 2}"}) + "\n")
        bed.do("-q", "-d", dbs[0], "load", "--run", "r", path)
        bed.do("-q", "-d", dbs[0], "rules", "infer", "-o", rules)
        bed.do("-q", "-d", dbs[1], "load", "--run", "r", "--rules", rules, path)
        bed.do("-q", "-d", dbs[1], "push", url)
        bed.refused(2, "/dev/zero: larger than 16 MiB, no rules", "fold", url, "--rules", "/dev/zero")
        bed.refused(2, "/dev/zero: larger than 16 MiB, no benchmark", "fold", url, "--benchmark", "/dev/zero")
        bed.do("-q", "fold", url, "--rules", rules)
        for command in ["phases"], ["summary"], ["timeline", "q17"], ["timeline", "q4", "-v"], ["invocations"], ["slow"], ["blame"], ["blame", "q5"], ["runs"], ["compare", "r@..+2m", "r@+2m.."], ["hangs"], ["export", "perfetto"]:
            same_words(bed, dbs[1], url, *command)
        assert "began" in bed.do("-d", url, "phases")
        compare_reports(bed, dbs[1], url, None)
        for i in range(bed.cluster.n):
            hosts = url.split("/")[2].split(",")
            hosts[i] = "127.0.0.1:1"
            said = bed.call("-d", f"clickhouse://{','.join(hosts)}/ruled", "--partial", "phases").stdout
            assert "began" in said, f"without shard {i + 1} by other rules:\n{said}"
        bed.do("-q", "fold", url)
        assert "began" not in bed.do("-d", url, "phases") + bed.do("-d", url, "summary")

    @test
    def exports_are_as_here(bed):
        """Also what the metadata of a run say of its functions, and what a fold was given."""
        url, db, runs = bed.fresh("exports"), os.path.join(bed.dir, "exports.db"), os.environ.get("ILU_TEST_RUNS", "/nonexistent")
        dir, benchmark = os.path.join(runs, "gpu-mqfq"), os.path.join(runs, "benchmarks", "with-gpu.json")
        if not os.path.isdir(dir):
            return "there is no run with metadata: $ILU_TEST_RUNS names none"
        bed.do("-q", "-d", db, "load", "--run", "r", "--benchmark", benchmark, dir)
        bed.do("-q", "-d", db, "push", url)
        bed.refused(2, "ilu-logq fold", "-d", url, "export", "csv", "-o", os.path.join(bed.dir, "nothing"))
        bed.do("-q", "fold", url, "--benchmark", benchmark)
        for name in "perfetto", "folded", "speedscope", "ndjson", "trace-csv":  # otlp has numbers of the database
            same_words(bed, db, url, "export", name)
        for name in "csv", "faas-sim":
            here, there = (exported(bed, d, name) for d in (db, url))
            assert here == there and len(here[2]) > 4, (name, here[:2], there[:2], [(f, difference(here[2][f], there[2].get(f, []))) for f in here[2] if here[2][f] != there[2].get(f)])

    @test
    def fields_of_all_kinds(bed):
        """Names inside of objects, lists and texts are none of a line; numbers and escapes are as they are here."""
        if bed.without_run:
            return bed.without_run
        db, _ = prepared(bed)
        url, other, path = bed.fresh("kinds"), os.path.join(bed.dir, "kinds.db"), os.path.join(bed.dir, "worker_kinds.log")
        lines = bed.do("-q", "-d", db, "cat", next(f for f in bed.files if "worker" in os.path.basename(f))).splitlines()
        here = {json.loads(line)["fields"].get("tid") for line in lines}
        slowest = bed.do("-q", "-d", db, "--format", "csv", "sql", "SELECT tid FROM invocation ORDER BY end_ns - arrived_ns DESC").split()[1:]
        slow = set([tid for tid in slowest if tid in here][:40])
        said, done = '"message":"Invocation complete"', [0] * 4
        with open(path, "w") as f:
            for n, line in enumerate(lines):
                tid = json.loads(line)["fields"].get("tid")
                more = (f'"zone":"z{tid in slow:d}", "nested":{{"zone":"n{n}","deep":{{"rack":[{n},{{"rack":"{n}"}}]}}}}, "list":[{{"rack":{n}}}],'
                        f'"quoted":"{{\\"rack\\":\\"{n}\\"}}","rack":{n % 3},"path":"a\\/b{tid in slow:d}","many":{n},"share":"0.{n % 7}","one":"same","none":""')
                if said in line:
                    # as many values as a field may have, and one more; on all shards together, and on each others
                    shard, k, of_shard = home(tid), done[3], done[home(tid)]
                    more += "".join(f',"{name}":"{"slow" if tid in slow else value}"' for name, value in {
                        "edge": f"v{k % 63}", "past": f"v{k % 64}", "edges": f"{shard}v{of_shard % 21}", "pasts": f"{shard}v{of_shard % 22}"}.items())
                    done[3], done[shard] = k + (tid not in slow), of_shard + (tid not in slow)
                    # behind the message, behind the transaction, in front, and with blanks between
                    first = f'{said},"tid":"{tid}"'
                    assert first in line, line
                    # of a message with escapes nothing is cut off, though without them it would begin as the line does
                    hostile = json.dumps('x\\","tid":"' + tid + '","after":"no')
                    f.write(line.replace(first, f'"message":{hostile},"tid":"{tid}","after":"{"slow" if tid in slow else k % 5}"') + "\n")
                    line = line.replace(first, [f'{said},{more},"tid":"{tid}"', f"{first},{more}", f"{more},{first}", f'{said} , "tid" : "{tid}", {more}'][k % 4])
                f.write(line + "\n")
        bed.do("-q", "-d", other, "load", "--run", "r", path)
        bed.do("-q", "-d", other, "push", url)
        bed.do("-q", "fold", url)
        for words in ["slow"], ["--format", "json", "slow", "--over", "p50"], ["compare", "r@..+2m", "r@+2m..", "--by", "zone"], ["compare", "r@..+2m", "r@+2m..", "--by", "rack", "--show", "lines"]:
            same_words(bed, other, url, *words)
        causes = {c["what"] for c in json.loads(bed.do("-d", url, "--format", "json", "slow"))["causes"]}
        assert {"zone", "edge", "edges", "after"} <= causes and not {"past", "pasts"} & causes, causes

    @test
    def few_lines_are_fetched(bed):
        """What a question about requests does not read may be anything: of most lines it is nothing here."""
        db, _ = prepared(bed)
        url = bed.fresh("few")
        bed.do("-q", "-d", db, "push", url)
        bed.do("-q", "fold", url)
        bed.cluster.ask_all(f"ALTER TABLE few.event UPDATE raw = 'nothing' WHERE message IN ({', '.join(map(repr, NOT_READ))}) AND coalesce(level, '') NOT IN ('ERROR', 'WARN')")
        while set(bed.cluster.ask_all("SELECT count() FROM system.mutations WHERE NOT is_done").split()) != {"0"}:
            time.sleep(0.05)
        for command in WHY:
            same_words(bed, db, url, *command.split())
        compare_reports(bed, db, url, [*FEW_SECTIONS, "blame", "slow"])
        p = bed.call("-d", url, "events")
        assert p.returncode == 3 and "can't be put together" in p.stderr, (p.returncode, p.stderr)

    @test
    def rows_that_were_replaced_are_not_told(bed):
        """Of older versions that no merge has taken away yet, in all tables of the fold."""
        db, _ = prepared(bed)
        url = bed.fresh("replaced")
        bed.do("-q", "-d", db, "push", url)
        bed.do("-q", "fold", url)
        for i in range(bed.cluster.n):
            for table in FOLDED:
                columns = [line.split("\t") for line in bed.cluster.ask(i, f"SELECT name, type FROM system.columns WHERE database = 'replaced' AND table = '{table}' FORMAT TabSeparated").splitlines()]
                older = {"version": "version - 1", **{name: f"{name} + 1" for name, type in columns if type in ("Nullable(Int64)", "Nullable(Float64)")}}
                bed.cluster.ask(i, f"INSERT INTO replaced.{table} SELECT {', '.join(older.get(name, name) for name, _ in columns)} FROM replaced.{table}")
        assert "1" in bed.cluster.ask_all("SELECT count() > uniqExact(run, tid) FROM replaced.invocation").split(), "they were replaced at once"
        for command in ALL:
            compare(bed, db, url, command)
        compare_reports(bed, db, url, None)

    @test
    def what_hangs_is_found_as_here(bed):
        """Findings with evidence; and runs beside each other."""
        runs = os.path.join(os.environ.get("ILU_TEST_RUNS", "/nonexistent"))
        url, db = bed.fresh("hangs"), os.path.join(bed.dir, "hangs.db")
        dirs = [os.path.join(runs, r) for r in ("hang-killed", "faults-retried")]
        if not os.path.isdir(dirs[0]):
            return "there are no runs that hang: $ILU_TEST_RUNS names none"
        for i, dir in enumerate(dirs):
            logs = [p for p in glob.glob(os.path.join(dir, "*.log*")) + glob.glob(os.path.join(dir, "output*")) if "load_gen" not in p]
            bed.do("-q", "-d", db, "load", "--run", f"run {i}", *sorted(logs))
        bed.do("-q", "-d", db, "push", url)
        bed.do("-q", "fold", url)
        for command in FINDINGS:
            compare(bed, db, url, command)
        several = [s for s in SECTIONS if s != "patterns"]  # which have numbers of the database
        compare_reports(bed, db, url, several)
        compare_reports(bed, db, url, several, "--run", "run 0")
        texts = [bed.call("-d", d, "hangs", "-v").stdout for d in (db, url)]
        assert texts[0] == texts[1] and "hang" in texts[0], [x for x in zip(*(t.splitlines() for t in texts)) if x[0] != x[1]][:3]

    @test
    def a_run_by_its_number(bed):
        """A number is of the same run in what is fetched of lines as in the ledger."""
        url, db = bed.fresh("numbers"), os.path.join(bed.dir, "numbers.db")
        for i in range(2):
            bed.do("-q", "-d", db, "load", "--run", "ab"[i], bed.files[i])
        bed.do("-q", "-d", db, "push", url)
        bed.do("-q", "fold", url)
        for command in "events --limit 50", "errors --level warning", "gaps", "slow", "summary":
            for run in "12":
                compare(bed, db, url, f"{command} --run {run}")
        bed.cluster.ask_all("INSERT INTO numbers.source (run, path, version, whole) SELECT run, path, version + 1, 0 FROM numbers.source FINAL")
        for run, words in ((), "2 sources are not whole"), (("--run", "1"), "1 source is not whole"):
            p = bed.call("-d", url, "events", "--limit", "1", *run)
            assert p.returncode == 0 and words in p.stderr, (run, p.returncode, p.stderr)

    @test
    def many_runs_are_asked_at_once(bed):
        """More partitions than a user of 400 MB may merge at once: each question goes over them some at a time."""
        url, db, paths = bed.fresh("partitions"), os.path.join(bed.dir, "partitions.db"), []
        with open("samples/logs/iluvatar/worker.log") as f:
            log = f.read()
        for n in range(MANY):
            paths.append(os.path.join(bed.dir, f"partition-{n:03d}"))
            os.mkdir(paths[-1])
            ids = re.sub("(?<![0-9a-f])([0-9a-f]{28})[0-9a-f]{4}(?![0-9a-f])", rf"\g<1>{n:04x}", log)
            with open(os.path.join(paths[-1], "worker.log"), "w") as f:
                f.write(ids.replace("2026-11-22 ", f"2026-{n // 28 + 1:02d}-{n % 28 + 1:02d} "))
        bed.do("-q", "-d", db, "load", *paths)
        bed.do("-q", "-d", db, "push", url)
        bed.do("-q", "fold", url)
        assert int(bed.cluster.ask(0, "SELECT uniqExact(partition) FROM system.parts WHERE active AND database = 'partitions' AND table = 'invocation'")) > MANY * 3 / 4
        small = bed.cluster.url("partitions", user="small@")
        for command in ALL:
            compare(bed, db, small, command)

    @test
    def gaps_of_whatever_lines(bed):
        """Messages and spans of all kinds, transactions of two runs, gaps of the same length; so many lines that they come in parts."""
        url, db, rng, paths = bed.fresh("gaps"), os.path.join(bed.dir, "gaps.db"), random.Random(7), []
        tids = [f"{i * 7919 % 360:04d}-{'it' + chr(39) + 's' if i % 9 == 0 else i}" for i in range(360)]
        for run, lines in ("first", 600), ("second", 9):
            paths.append(os.path.join(bed.dir, f"gaps-{run}.log"))
            with open(paths[-1], "w") as f:
                at = 0
                for n in range(lines):
                    for tid in tids:
                        at += rng.choice([0, 0, 1000, 2000, rng.randrange(10**6)])
                        message, span = "Handling invocation request" if n == 3 else rng.choice(MESSAGES), rng.choice(SPANS)
                        fields = {"tid": tid, **({} if message is None else {"message": message})}
                        of_span = message in ("new", "close", "enter", "exit")
                        f.write(json.dumps({"timestamp": f"2026-11-23 01:{at // 60 // 10**9 % 60:02d}:{at // 10**9 % 60:02d}.{at % 10**9:09d}", "level": "INFO", "fields": fields, "target": "t",
                                            **({"span": {"tid": tid, **span}, "spans": []} if of_span else {})}, ensure_ascii=False, separators=(",", ":")) + "\n")
            bed.call("-q", "-d", db, "load", "--run", run, paths[-1])
        bed.do("-q", "-d", db, "push", url)
        assert int(bed.cluster.ask(0, "SELECT count() FROM gaps.event")) > 1 << 16, "all lines are one part"
        bed.refused(2, "ilu-logq fold", "-d", url, "gaps")
        bed.do("-q", "fold", url)
        for command in "gaps --limit 0", "gaps --run first --limit 0", "gaps --run 2 --limit 0":
            assert compare(bed, db, url, command) > 100, command
        bed.cluster.ask_all("TRUNCATE TABLE gaps.event")
        bed.refused(2, "ilu-logq fold", "-d", url, "gaps")

    @test
    def lines_that_say_nothing_stay_there(bed):
        """Spans of ours and of other programs, and gaps, from a cluster that has lost what no question needs of the lines."""
        if bed.without_run:
            return bed.without_run
        url, db = bed.fresh("slim"), os.path.join(bed.dir, "slim.db")
        bed.do("-q", "-d", db, "load", "--run", "r", *bed.files[:2])
        others = os.path.join(bed.dir, "access.log")
        with open(others, "w") as f:
            for i in range(300):
                f.write(json.dumps({"level": "info", "ts": 1764500000 + i, "logger": "http.log.access", "msg": "handled request", "request": {"method": "GET", "uri": f"/{'abc'[i % 3]}"}, "duration": i / 1000, "status": 200}) + "\n")
        bed.do("-q", "-d", db, "load", "--run", "s", others)
        bed.do("-q", "-d", db, "push", url)
        bed.do("-q", "fold", url)

        def lost(where):
            bed.cluster.ask_all(f"ALTER TABLE slim.event UPDATE raw = 'lost' WHERE {where}")
            while "0" in bed.cluster.ask_all("SELECT is_done FROM system.mutations WHERE database = 'slim'").split():
                time.sleep(0.05)

        commands = {"message NOT IN ('new', 'close', 'enter', 'exit') AND run = 'r'": ["spans", "spans --run s", "spans --slowest 40"], "level IN ('INFO', 'DEBUG', 'TRACE')": ["gaps --limit 0"]}
        for where, asked in commands.items():
            lost(where)
            for command in asked:
                assert compare(bed, db, url, command) > 2, command
        compare_reports(bed, db, url, FEW_SECTIONS)
        bed.cluster.ask_all("TRUNCATE TABLE slim.finish")
        bed.refused(2, "ilu-logq fold", "-d", url, "report", "--sections", os.path.join(bed.dir, "sections"))

    @test
    def energy_is_asked_here(bed):
        url, db = bed.fresh("energy"), os.path.join(bed.dir, "energy.db")
        for run, dirs in ("a", ["tests/data/energy", "samples/logs/iluvatar"]), ("b", ["samples/logs/iluvatar"]):
            dir = os.path.join(bed.dir, "energy", run)
            os.makedirs(dir)
            for path in sum((glob.glob(os.path.join(d, "*.log")) for d in dirs), []):
                with open(path) as f, open(os.path.join(dir, os.path.basename(path)), "w") as to:
                    to.write(f.read().replace("2026-11-23", "2026-11-24") if run == "b" else f.read())
            bed.call("-q", "-d", db, "load", "--run", run, dir)
        bed.do("-q", "-d", db, "push", url)
        assert len(bed.do("-q", "-d", db, "--format", "csv", "energy", "--run", "a").splitlines()) > 3
        for run in (), ("--run", "a"):
            bed.refused(2, "4 energy logs were pushed by name alone", "-d", url, "energy", *run)
        compare(bed, db, url, "energy --run b")

    @test
    def nothing_is_left_over(bed):
        """Of what was fetched, when a reader has enough, and when the program is told to end."""
        _, url = prepared(bed)
        command = "-d", url, "events", "--limit", "0"
        p = subprocess.Popen([bed.logq, "-q", *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": bed.tmp})
        p.stdout.close()
        assert p.wait() == 0 and not os.listdir(bed.tmp), (p.returncode, os.listdir(bed.tmp))
        status = caught(bed, command, signal.SIGTERM)
        assert status == 130 and not os.listdir(bed.tmp), (status, os.listdir(bed.tmp))

    @test
    def what_is_left_over_goes_with_the_next(bed):
        """A fold, a push and a question that are told to end take what they made with them; of one that is killed the next one does."""
        url = bed.fresh("leftover")
        bed.do("-q", "-d", bed.db, "push", url)
        commands = ["-d", url, "events", "--limit", "0"], ["fold", url], ["push", url, "--run", "again", *bed.files]
        for command in commands:
            for end in "term", "int", "kill":
                def unfold():
                    for i in range(bed.cluster.n):
                        for table in "fold", "finish":
                            bed.cluster.ask(i, f"TRUNCATE TABLE leftover.{table}")

                status = caught(bed, command, {"term": signal.SIGTERM, "int": signal.SIGINT, "kill": signal.SIGKILL}[end], unfold)
                assert status == (-signal.SIGKILL if end == "kill" else 130), (command[:2], end, status)
                assert bool(os.listdir(bed.tmp)) == (end == "kill"), (command[:2], end, os.listdir(bed.tmp))
            bed.call("-q", *command)
            assert not os.listdir(bed.tmp), (command[:2], os.listdir(bed.tmp))

    @test
    def the_current_dialect_says_the_same(bed):
        """One node of the current ClickHouse, where the package chdb is there."""
        if not current.available():
            return "the Python package chdb is not there: the current dialect is not tried"
        db, _ = prepared(bed)
        with tempfile.TemporaryDirectory(dir=bed.dir) as dir, current.Server(dir) as server:
            url = server.url("questions")
            bed.do("push", "--create", url)
            bed.do("-q", "-d", db, "push", url)
            bed.do("-q", "fold", url)
            for command in LINES + ALL:
                compare(bed, db, url, command)
            compare_reports(bed, db, url, None)
            sql = "SELECT level, count(*) AS n FROM event GROUP BY level ORDER BY level"
            assert bed.do("-d", url, "--format", "csv", "sql", sql) == bed.do("-d", db, "--format", "csv", "sql", sql)

    @test
    def sql_is_the_servers(bed):
        db, url = prepared(bed)
        reader, env = bed.cluster.url("questions", user="reader@"), {"ILU_LOGQ_PASSWORD": "read me"}
        sql = "SELECT level, count(*) AS n FROM event GROUP BY level ORDER BY level"
        here = bed.do("-d", db, "--format", "csv", "sql", sql)
        for text in sql, sql.replace("event", "questions.event"), sql + " -- FROM event;\n;", sql.replace("event", "/* all */ event AS e"):
            assert bed.do("-d", url, "--format", "csv", "sql", text) == here, text
        for format in "json", "markdown", "text":
            assert bed.do("-d", url, "--format", format, "sql", sql) == bed.do("-d", db, "--format", format, "sql", sql), format
        one = f"clickhouse://127.0.0.1:{bed.cluster.servers[1].http}/questions?cluster=ilu"
        assert bed.do("-d", one, "--format", "csv", "sql", sql) == here
        joined = "SELECT count() AS n FROM event JOIN (SELECT DISTINCT tid FROM questions.result) USING tid"
        assert bed.do("-d", url, "--format", "csv", "sql", joined) == bed.do("-d", db, "--format", "csv", "sql", "SELECT count(*) AS n FROM event WHERE tid IN (SELECT tid FROM result)")
        values = r"""SELECT 1 AS a, 0.1 AS b, 'it\'s; \\ "q" \t' AS c, NULL AS d, toUInt64(18446744073709551615) AS e, [1, 2] AS f; SELECT 2 AS a"""
        assert [json.loads(t) for t in bed.do("-d", url, "--format", "json", "sql", values).split("\n\n")] == [
            [{"a": 1, "b": 0.1, "c": 'it\'s; \\ "q" \t', "d": None, "e": "18446744073709551615", "f": "[1,2]"}],
            [{"a": 2}],
        ]
        bed.refused(2, "Unknown identifier", "-d", url, "sql", "SELECT nothing FROM event")
        bed.refused(2, "Syntax error", "-d", url, "sql", "SELECT FROM WHERE")
        bed.refused(2, "only FROM questions.TABLE", "-d", url, "sql", "SELECT count() FROM event e, questions.result r")
        quoted = sql.replace("event", '"questions" . `event`')
        assert bed.do("-d", url, "--format", "csv", "sql", quoted) == here
        bed.refused(2, "FORMAT stands in the SQL", "-d", url, "sql", "SELECT 1 FORMAT CSV")
        bed.refused(2, "--write", "-d", url, "sql", "CREATE TABLE questions.x (a UInt8) ENGINE = Log")
        bed.do("-d", url, "sql", "--write", "CREATE TABLE questions.x (a UInt8) ENGINE = Log")
        bed.do("-d", url, "sql", "--write", "DROP TABLE questions.x")
        long = sql.replace("event", "event WHERE message != '" + "x" * 20000 + "'")
        assert bed.do("-d", url, "--format", "csv", "sql", long) == here
        bed.refused(2, "readonly", "-d", reader, "sql", sql, env=env)
        single = f"clickhouse://reader@127.0.0.1:{bed.cluster.servers[0].http}/questions"
        p = bed.call("-d", single, "sql", "SELECT count() FROM event", env=env)
        assert p.returncode == 2 and "shard 1 of 3" in p.stderr, p.stderr

    @test
    def a_part_of_the_shards_is_said(bed):
        if bed.without_run:
            return bed.without_run
        db, url = prepared(bed)
        bed.cluster.kill(1)
        name = f"127.0.0.1:{bed.cluster.servers[1].http}"
        try:
            bed.refused(4, name, "-d", url, "errors", "--level", "warn")
            p = bed.call("-q", "-d", url, "--partial", "--format", "csv", "events", "--limit", "0")
            assert p.returncode == 0 and name in p.stderr and "1 of 3 shards is not there" in p.stderr, p.stderr
            share = float(p.stderr.split("with it ")[1].split(" %")[0])
            here = int(bed.do("-q", "-d", db, "--format", "csv", "sql", "SELECT count(*) FROM event WHERE NOT \"foreign\"").split()[1])
            there = len(without(p.stdout)) - 1
            assert 0 < there < here and abs((1 - there / here) * 100 - share) < 3, (there, here, share)
            tids = bed.do("-q", "-d", db, "--format", "csv", "sql", "SELECT tid FROM invocation ORDER BY tid LIMIT 12").split()[1:]
            for command in ["events", "--tid"], ["timeline"]:
                asked = [bed.call("-d", url, "--partial", *command, t) for t in tids]
                codes = {p.returncode for p in asked}
                assert codes == {0, 4}, (command, codes)
                assert all(name in p.stderr for p in asked), (command, [p.stderr for p in asked])
            part = bed.call("-d", url, "--partial", "--format", "csv", "invocations")
            whole = bed.call("-d", db, "--format", "csv", "invocations")
            rows = [{tuple(r) for r in without(p.stdout)} for p in (part, whole)]
            assert part.returncode == 0 and "partial" in part.stderr and rows[0] < rows[1], (part.stderr, len(rows[0]), len(rows[1]))
            found = bed.call("-d", url, "--partial", "patterns")
            assert found.returncode == 0 or (found.returncode == 4 and "found of run r as a whole" in found.stderr), found.stderr
            bed.refused(2, "--partial", "-d", db, "--partial", "events")
            bed.refused(2, "--partial", "-d", url, "--partial", "sql", "SELECT 1")
        finally:
            bed.cluster.start(1)
        p = bed.call("-d", url, "--partial", "errors")
        assert "partial" not in p.stderr, p.stderr
