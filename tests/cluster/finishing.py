# SPDX-License-Identifier: Apache-2.0
"""The second step of a fold, of runs that are odd in one thing each."""
import json, os, signal

import asking


def record(at, message, **fields):
    """A line of a log of Ilúvatar; at: as in the log."""
    return json.dumps({"timestamp": at, "level": "INFO", "fields": {"message": message, **fields}, "target": "t"}, separators=(",", ":")) + "\n"


def pushed(bed, name, logs):
    """A run of these logs, {name: lines}, here and on a cluster."""
    url, db, dir = bed.fresh(name), os.path.join(bed.dir, f"{name}.db"), os.path.join(bed.dir, name)
    for log, lines in logs.items():
        path = os.path.join(dir, log)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.writelines(lines)
    bed.do("-q", "-d", db, "load", "--run", "r", dir)
    bed.do("-q", "-d", db, "push", url)
    return db, url


def register(test):
    @test
    def many_logs_that_fell_silent_are_finished(bed):
        """Of each its last lines are needed, or all: a statement has only so many bytes."""
        at = lambda i: f"2026-11-28 {i // 90:02}:{i % 90 * 40 // 60:02}:{i * 40 % 60:02}"
        deep = ("logs" * 50 + "/") * 9
        logs = {f"{deep}worker_{i:03}.log": [record(f"{at(i)}.00{k}000000", "Handling invocation request", tid=f"t{i}") for k in range(2)] for i in range(160)}
        db, url = pushed(bed, "silent", logs)
        bed.do("-q", "fold", url)
        assert asking.compare(bed, db, url, "hangs") > 150

    @test
    def arrival_of_what_never_began_is_shown(bed):
        """Its lines, also those that no rule speaks of."""
        lines = []
        for i in range(40):
            said = ["one more", "Handling invocation request", "two more"] + ["Item starting to execute"] * (i % 4 != 1) + ["Invocation complete"]
            times = {"Item starting to execute": 1, "Invocation complete": 2}
            more = {"Item starting to execute": {"insert_time": f"2026-11-28 10:{i:02}:00", "remove_time": f"2026-11-28 10:{i:02}:00.5"}}
            lines += [record(f"2026-11-28 10:{i:02}:0{times.get(m, 0)}.000000000", m, tid=f"t{i}", **more.get(m, {})) for m in said]
        db, url = pushed(bed, "never", {"worker.log": lines})
        bed.do("-q", "fold", url)
        found = [f for f in json.loads(bed.call("-d", url, "--format", "json", "lint").stdout) if f["rule"] == "completed-without-start"]
        assert len(found) == 10 and all(len(f["evidence"]) == 3 for f in found), found
        asking.compare(bed, db, url, "lint")

    @test
    def runs_whose_names_are_written_alike_are_told_apart(bed):
        """What has come to one is not told of another, whose name is what stands behind the backslashes."""
        url, names = bed.fresh("alike"), ["a\nb", "anb", "it's \\ \t\r\b\f", "it's \\ trbf", "a\\nb"]
        path = os.path.join(bed.dir, "alike.log")
        with open(path, "w") as f:
            f.write(record("2026-11-28 10:00:00.000000000", "Handling invocation request", tid="t"))
        for name in names:
            bed.do("-q", "push", url, "--run", name, path)
        bed.do("-q", "fold", url)
        ask = lambda name: ("-d", url, "invocations", "--run", name)
        columns = "run, source, line + 1, offset, time_ns, level, level_text, kind, target, message, tid, fields, span, spans, raw, foreign, day, fact"
        for name in names:
            bed.do(*ask(name))
            quoted = name.replace("\\", "\\\\").replace("'", "\\'")
            bed.cluster.ask_all(f"INSERT INTO alike.event SELECT {columns} FROM alike.event WHERE run = '{quoted}'")
            bed.refused(2, "lines have come since", *ask(name))

    @test
    def a_run_that_another_fold_is_at_is_left_to_it(bed):
        """Its parts are others, of the same lines; before we say so, the other one begins."""
        url, path = bed.fresh("taken"), os.path.join(bed.dir, "taken.log")
        with open(path, "w") as f:
            f.writelines(record(f"2026-11-28 10:00:00.{i:03}000000", "Handling invocation request", tid=f"t{i}") for i in range(200))
        for name in "first", "other":
            bed.do("-q", "push", url, "--run", name, path)
        bed.do("-q", "fold", url)
        mark = lambda run, more, whole, parts: bed.cluster.ask_all(f"INSERT INTO taken.finish SELECT run, version + {more}, {whole}, digest, manner, {parts} FROM taken.finish FINAL WHERE run = '{run}'")
        whole = lambda: bed.cluster.ask_all("SELECT whole FROM taken.finish FINAL WHERE run = 'other'").split()
        for _ in range(50):
            mark("first", 1, "toUInt8(0)", "parts")
            mark("other", 1, "toUInt8(1)", "toUInt64(0)")
            p = asking.stopped(bed, ["fold", url, "--finish"])
            if p.poll() is None:
                break
        assert p.poll() is None, "it has ended"
        mark("other", 1000, "toUInt8(0)", "parts")
        p.send_signal(signal.SIGCONT)
        assert p.wait() == 0 and whole() == ["0"], (p.returncode, whole())
        said = bed.do("fold", url)
        assert "1 of 2 runs finished" in said and whole() == ["1"], said
        bed.cluster.ask_all("INSERT INTO taken.finish SELECT run, version + 1, whole, digest, manner, toUInt64(0) FROM taken.finish FINAL")
        bed.do("-q", "fold", url)
        assert "0" not in bed.cluster.ask_all("SELECT parts FROM taken.finish FINAL").split()

    @test
    def silence_of_centuries_is_told(bed):
        """More than 64 bits have of nanoseconds."""
        said = lambda year: [("Handling invocation request", {"tid": f"t{year}"}), ("Invocation complete", {"tid": f"t{year}"}), ("one more", {})]
        logs = {f"worker_{year}.log": [record(f"{year}-01-02 10:00:00.{k}00000000", m, **more) for k, (m, more) in enumerate(said(year))] for year in (1690, 1700, 2026, 2250)}
        db, url = pushed(bed, "far", logs)
        bed.do("-q", "fold", url)
        asking.compare(bed, db, url, "hangs")
        found = [f for f in json.loads(bed.call("-d", url, "--format", "json", "hangs").stdout) if f["rule"] == "silence"]
        assert len(found) == 3 and all(f["evidence"] and "silent -" not in f["message"] for f in found), found
