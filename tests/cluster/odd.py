# SPDX-License-Identifier: Apache-2.0
"""Lines of odd kinds, and servers that fail at one statement: what a cluster says is still what a database here says, or why not."""
import http.server, json, os, threading, urllib.error, urllib.parse, urllib.request

import servers
from asking import compare, compare_reports, same_words


# Of lines without a time of their own.
TIMELESS = ["slow", "compare r r --by colour", "compare r@..+2m r@+2m.. --show lines", "--format csv events --level warn", "errors --level warn", "summary --run r", "hangs", "storms", "lint", "blame", "timeline t11"]


class Before:
    """Stands before each server of a cluster, and answers itself, with an error, a statement that has these words."""

    def __init__(self, cluster, words):
        self.doors = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.door(s, words)) for s in cluster.servers]
        self.threads = [threading.Thread(target=d.serve_forever, args=(0.05,)) for d in self.doors]

    @staticmethod
    def door(server, words):
        class Door(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if words in urllib.parse.unquote_plus(self.path) or words.encode() in body:
                    self.give(500, b"Code: 241, e.displayText() = DB::Exception: Memory limit exceeded, e.what() = DB::Exception")
                    return
                try:
                    with servers.OPENER.open(urllib.request.Request(f"http://{server.host}:{server.http}{self.path}", data=body)) as r:
                        self.give(200, r.read())
                except urllib.error.HTTPError as e:
                    self.give(e.code, e.read())

            do_GET = do_POST

            def give(self, status, text):
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        return Door

    def url(self, database):
        return "clickhouse://" + ",".join(f"127.0.0.1:{d.server_address[1]}" for d in self.doors) + "/" + database

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        for d, t in zip(self.doors, self.threads):
            d.shutdown()
            t.join()
            d.server_close()


def at(n):
    return f"2026-11-23 12:{n // 60 % 60:02}:{n % 60:02}.000000000"


def there(bed, name, lines, run="r"):
    """A log of these objects: here, and on the cluster, folded."""
    url, db, path = bed.fresh(name), os.path.join(bed.dir, name + ".db"), os.path.join(bed.dir, f"worker_{name}.log")
    with open(path, "w") as f:
        f.writelines(json.dumps(x) + "\n" for x in lines)
    bed.call("-q", "-d", db, "load", "--run", run, path)
    bed.do("-q", "-d", db, "push", url)
    bed.do("-q", "fold", url)
    return url, db


def register(test):
    @test
    def a_servers_reason_is_said(bed):
        """Also that of the last statement of several that look for a transaction."""
        url, _ = there(bed, "reason", [{"timestamp": at(0), "level": "INFO", "fields": {"message": "one", "tid": "alone"}, "target": "t"}])
        with Before(bed.cluster, "tid = 'alone'") as before:
            bed.refused(4, "Memory limit exceeded", "-d", before.url("reason"), "events", "--tid", "alon")
        bed.do("-d", url, "events", "--tid", "alon")

    @test
    def targets_of_spans_are_compared_as_here(bed):
        """A target is masked like a text, also that of a span's line."""
        lines = []
        for i in range(120):
            fields, tid = {"message": ["Handling invocation request", "new", "close", "Invocation complete"][i % 4]}, f"t{i // 4}"
            target = 't"y\\' if i % 3 == 0 else "t"
            span = {"span": {"name": "work", "tid": tid}, "spans": [{"name": "work", "tid": tid}]} if i % 4 in (1, 2) else {}
            lines.append({"timestamp": at(i), "level": "INFO", "fields": {**fields, "tid": tid}, "target": target, **span})
        url, db = there(bed, "targets", lines)
        for words in "r@..+1m r@+1m..", "r@..+30s r@+30s..":
            for format in "json", "text":
                same_words(bed, db, url, "--format", format, "compare", *words.split(), "--show", "lines")

    @test
    def lines_without_a_time_are_put_together(bed):
        """Their time is that of the line before, which the question may not need: then their sources come whole."""
        lines = []
        for i in range(400):
            fields = {"message": ["Handling invocation request", "step", "queue", "x"][i % 4], "tid": f"t{i // 4}", **({"colour": ["red", "blue"][i // 4 % 2]} if i % 4 == 1 else {})}
            time = {} if i % 40 == 5 else {"timestamp": at(i)}
            lines.append({**time, "level": "WARN" if i % 80 == 45 else "INFO", "fields": fields, "target": "t"})
        url, db = there(bed, "timeless", lines)
        for words in TIMELESS:
            same_words(bed, db, url, *words.split())
        compare_reports(bed, db, url, ["errors", "findings", "phases", "slowest", "slow", "functions", "timelines"])

    @test
    def requests_have_the_times_of_their_lines(bed):
        """Also where a line that a rule speaks of has none, or one that is not understood, and the line before it is of another shard; with what text stands behind a line."""
        lines, odd = [], [{"timestamp": "0000-01-01 00:00:00.000000000"}, {"timestamp": "2026-11-"}, {}, {"timestamp": 7}]
        for i in range(480):
            n, message = i // 4, ["Handling invocation request", "step", "Item enqueued", "Invocation complete"][i % 4]
            time = odd[n // 3 % 4] if i % 12 in (0, 5, 7) else {"timestamp": at(i)}
            lines.append(json.dumps({**time, "level": "INFO", "fields": {"message": message, "tid": f"t{n}"}, "target": "t"}))
            lines += ["    at some place", "    at another"] if i % 9 == 0 else []
        url, db, path = bed.fresh("dated"), os.path.join(bed.dir, "dated.db"), os.path.join(bed.dir, "worker_dated.log")
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n")
        bed.do("-q", "-d", db, "load", "--run", "r", path)
        bed.do("-q", "-d", db, "push", url)
        for rules in [], ["--rules", "schema/rules/iluvatar.json"]:
            bed.do("-q", "fold", url, *rules, cwd=os.getcwd())
            for words in "invocations --sort sent_ns", "phases", "summary", "lint":
                compare(bed, db, url, words)
        for t in range(0, 120, 7):
            same_words(bed, db, url, "timeline", f"t{t}")

    @test
    def clocks_of_others_are_read_again(bed):
        """Times without a year are of the file's, those without an offset of the zone that was said, and lines without any of when the file was written."""
        url, db, dir = bed.fresh("clocks"), os.path.join(bed.dir, "clocks.db"), os.path.join(bed.dir, "clocks")
        os.mkdir(dir)
        says = ["Handling invocation request", "step", "Item enqueued", "Invocation complete"]
        kinds = {"year": lambda i, t, m: f'Oct 30 {t} host prog[12]: msg="{m}" tid=year{i // 4}', "zone": lambda i, t, m: f'time="2016-10-30 {t}" level=info msg="{m}" tid=zone{i // 4}',
                 "other zone": lambda i, t, m: f"2016-10-30 {t},123 INFO [main] c.d.Worker - {m} tid=other{i // 4}", "none": lambda i, t, m: json.dumps({"level": "info", "msg": m, "trace_id": f"none{i // 4}", "logger": "l"})}
        for name, line in kinds.items():
            path = os.path.join(dir, name + ".log")
            with open(path, "w") as f:
                f.writelines(line(i, f"{i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}", says[i // 40 % 4]) + "\n" for i in range(0, 14000, 40))
            os.utime(path, ns=(1478044800123456789,) * 2)
        bed.call("-q", "-d", db, "load", "--run", "r", "--timezone", "zone.log=Europe/Berlin", "--timezone", "other zone.log=-0330", dir)
        bed.do("-q", "-d", db, "push", url)
        bed.do("-q", "fold", url)
        times = bed.do("-d", db, "--format", "csv", "sql", "SELECT min(time_ns), max(time_ns) FROM event e JOIN source s ON s.id = e.source WHERE s.path LIKE '%/year.log'")
        assert "14777856" in times, times  # of 2016, as the file is
        for words in "invocations", "phases", "events --limit 20", "errors", "lint", "gaps", "runs":
            compare(bed, db, url, words)
        for tid in "year1", "year170", "zone0", "zone200", "none3":
            same_words(bed, db, url, "timeline", tid)

    @test
    def names_of_fields_are_as_long_as_they_are(bed):
        """More of them than one statement holds: a server takes none of more than 256 KiB."""
        lines = []
        for i in range(90):
            names = {"'" * 50000 + "abc"[k]: f"v{i % 60}" for k in range(3)}
            lines.append({"timestamp": at(i), "level": "INFO", "fields": {"message": "Handling invocation request", "tid": f"t{i}", **names}, "target": "t"})
        url, db = there(bed, "names", lines)
        same_words(bed, db, url, "slow")
        same_words(bed, db, url, "--format", "json", "slow")

    @test
    def by_what_every_line_has(bed):
        """What stands beside the fields of a line is as good as one of them, or is refused, on both sides alike."""
        says = ["Handling invocation request", "step", "Item enqueued", "Invocation complete"]
        lines = [{"timestamp": at(i // 8), "level": ["INFO", "DEBUG"][i // 12 % 2], "fields": {"message": says[i % 4], "tid": f"t{i // 4}"}, "target": f"t{i // 4 % 3}"} for i in range(160)]
        url, db = there(bed, "beside", lines)
        for by in "level", "target", "timestamp", "message", "nothing":
            same_words(bed, db, url, "compare", "r@..+10s", "r@+10s..", "--by", by)
            same_words(bed, db, url, "--format", "json", "compare", "r@..+10s", "r@+10s..", "--by", by, "--show", "lines")

    @test
    def what_is_not_there_is_told_as_here(bed):
        """Which transactions a word may mean, of all shards; and that no row is asked for of requests that there are."""
        lines = [{"timestamp": at(i), "level": "INFO", "fields": {"message": ["Handling invocation request", "Invocation complete"][i % 2], "tid": f"t{i // 2}"}, "target": "t"} for i in range(80)]
        url, db = there(bed, "absent", lines)
        for words in ["timeline", ""], ["timeline", "t"], ["timeline", "t3"], ["timeline", "x"], ["batches", "--worker", "nobody"], ["batches", "--run", "r", "--function", "no*"]:
            same_words(bed, db, url, *words)
        url, db = there(bed, "nothing", [{"timestamp": at(0), "level": "INFO", "fields": {"message": "one"}, "target": "t"}])
        same_words(bed, db, url, "export", "faas-sim", "-o", os.path.join(bed.dir, "none"))

    @test
    def by_what_stands_elsewhere_in_a_line(bed):
        """Beside the fields, inside of one, under a name that needs escapes: as here, and told apart from what a span has of that name."""
        says, lines = ["Handling invocation request", "step", "Item enqueued", "Invocation complete"], []
        for i in range(160):
            n, tid = i // 4, f"t{i // 4}"
            more = {"nested": {"zone": f"z{n % 3}", "deep": {"x": n % 2}}, 'a"b': f"q{n % 2}", "ü": f"u{n % 2}", "a/b": f"s{n % 2}", "dotted.key": f"d{n % 2}"} if i % 4 == 1 else {}
            span = {"span": {"zone": "no", "name": "s", "tid": tid}, "spans": [{"zone": "no", "name": "s", "tid": tid}]} if i % 4 == 1 else {}
            lines.append({"timestamp": at(i), "level": "INFO", "fields": {"message": says[i % 4], "tid": tid, **more}, "target": "t", **span, "threadName": f"th{n % 3}", "zone": f"top{n % 2}", "pid": n % 2, "c+(d)[?": f"p{n % 2}", "top": {"x": f"v{n % 2}"}, ".": {"y": n % 2}})
        url, db = there(bed, "elsewhere", lines)
        for by in "threadName", "zone", "pid", "nested.zone", "nested.deep.x", 'a"b', "ü", "a/b", "dotted.key", "nested.nothing", ".", "c+(d)[?", "c+(d)", "top.x", "top..x", "..y", "top.":
            same_words(bed, db, url, "--format", "json", "compare", "r@..+80s", "r@+80s..", "--by", by)

    @test
    def long_texts_of_others_are_compared_as_here(bed):
        """Of a line as it stands so much is looked at: escapes count, wherever the text stands."""
        url, db, dir = bed.fresh("long"), os.path.join(bed.dir, "long.db"), os.path.join(bed.dir, "long")
        os.mkdir(dir)
        texts = ['"quoted" \\ text ' * 90, "ü" * 700, "tab\t" * 300, "plain words " * 120, '"short"']
        with open(os.path.join(dir, "worker.log"), "w") as f:
            for i in range(80):
                f.write(json.dumps({"timestamp": at(i), "level": "INFO", "fields": {"message": ["Handling invocation request", "Invocation complete"][i % 2], "tid": f"t{i // 2}"}, "target": "t"}) + "\n")
                f.write(f'not JSON: {{"a": "{texts[i % 5]}"}}\n')
        with open(os.path.join(dir, "other.log"), "w") as f:
            for i in range(80):
                f.write(json.dumps({"ts": 1795435200 + i, "level": "info", "msg": texts[i % 5] + " end" * (i % 2), "logger": "l"}) + "\n")
        with open(os.path.join(dir, "pairs.log"), "w") as f:
            for i in range(80):
                f.write(f"time={at(i).replace(' ', 'T')}Z level=info msg={json.dumps(texts[i % 5] + ' of pairs', ensure_ascii=False)} n={i}\n")
        bed.call("-q", "-d", db, "load", "--run", "r", dir)
        bed.do("-q", "-d", db, "push", url)
        bed.do("-q", "fold", url)
        for format in "json", "csv":
            same_words(bed, db, url, "--format", format, "compare", "r@..+40s", "r@+40s..", "--show", "lines")
