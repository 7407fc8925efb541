#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at what `ilu-logq export` wrote, as those who read it would.

    export.py hostile FILE           writes a log whose every text is hostile: quotes, control characters, no UTF-8, commas, line ends
    export.py FORMAT,... [OPTIONS]   exports with these options, checks each, and says what is in it

Whatever is wrong is an exception."""
import base64, collections, decimal, json, os, re, subprocess, sys, tempfile

csv_reader = __import__("csv").reader
# Those who know best, where they are installed; tests/consumers/run sees to it that all are.
duckdb = pandas = json_format = packets = None
try:
    import duckdb
    import pandas
    from google.protobuf import json_format
    from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as packets
except ImportError:
    if os.environ.get("ILU_TEST_CONSUMERS"):
        raise

NASTY = ['a"b', "back\\slash", "line\nend", "tab\tcr\r", "nul\x00esc\x1b[31m", "semi;colon, comma", "bidi\u202e", "\U0001f600", "</script>", "=1+1", "''", "{}[]", "", " "]


def hostile(path):
    """Lines of our own shape: each text of NASTY as message, key, value, span's name, target, transaction and worker; then the same
    with bytes that are no UTF-8."""
    lines = []  # in the order of NASTY, five for each

    def line(ms, message, fields, target, spans):
        stamp = f"2026-01-01T00:00:{ms // 1000:02d}.{ms % 1000:03d}000000Z"
        e = {"timestamp": stamp, "level": "INFO", "fields": {"message": message, **fields}, "target": target}
        if spans:
            e["span"] = spans[-1]
            e["spans"] = spans if message != "new" and message != "close" else spans[:-1]
        lines.append(json.dumps(e, separators=(",", ":")).encode())

    for i, text in enumerate(NASTY):
        root = {"tid": f"t{i}{text}", "worker": text, "name": "enter_worker", "id": f"{2 * i + 1:x}"}
        leaf = {"tid": f"t{i}{text}", "name": text, "id": f"{2 * i + 2:x}", "parent": root["id"]}
        line(10 * i, "new", {}, text or "t", [root])
        line(10 * i + 1, "new", {}, text or "t", [root, leaf])
        line(10 * i + 2, text or "m", {"tid": f"t{i}{text}", text or "k": text, "object": {text: [text]}, "n": 1, "r": 1.5, "no": None, "yes": True}, text or "t", [root, leaf])
        line(10 * i + 4, "close", {"time.busy": "1.2ms", "time.idle": "3µs"}, text or "t", [root, leaf])
        line(10 * i + 5, "close", {"time.busy": "1.2ms", "time.idle": "3µs"}, text or "t", [root])
    for n, bad in enumerate((b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80")):
        ids = lambda l: l.replace(b'"id":"', b'"id":"%df' % n).replace(b'"parent":"', b'"parent":"%df' % n)
        lines += [ids(l.replace(b"bidi", b"bad" + bad)) for l in lines[: 5 * len(NASTY)] if b"bidi" in l]
    with open(path, "wb") as f:
        f.write(b"\n".join(lines) + b"\n")


# ---- formats --------------------------------------------------------------------------------------------------------


def folded(path):
    stacks, total = 0, 0
    with open(path, encoding="utf-8") as f:
        for line in f.read().split("\n")[:-1]:
            m = re.fullmatch(r"([^ ;]+(?:;[^ ;]+)*) ([1-9]\d*)", line)
            assert m, line
            stacks, total = stacks + 1, total + int(m[2])
    return f"{stacks} stacks, {total} ns"


def speedscope(path):
    """Its file-format-schema.json asks for these; what stands beyond is passed over."""
    with open(path, encoding="utf-8") as f:
        d = json.load(f)
    assert d["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = d["shared"]["frames"]
    assert all(isinstance(x["name"], str) and isinstance(x.get("file", ""), str) for x in frames)
    (p,) = d["profiles"]
    assert p["type"] == "sampled" and isinstance(p["name"], str) and p["unit"] == "nanoseconds" and p["startValue"] == 0
    assert len(p["samples"]) == len(p["weights"]) and p["endValue"] == sum(p["weights"])
    assert all(0 <= i < len(frames) for s in p["samples"] for i in s) and all(w > 0 for w in p["weights"])
    return f"{len(frames)} frames, {len(p['samples'])} stacks, {p['endValue']} ns"


def attributes(of):
    keys = [a["key"] for a in of["attributes"]]
    assert all(isinstance(k, str) for k in keys)
    for a in of["attributes"]:
        for kind, v in a["value"].items():
            assert {"stringValue": str, "intValue": str, "doubleValue": float, "boolValue": bool}[kind] is type(v), a
            assert kind != "intValue" or -(2**63) <= int(v) < 2**63
    return dict(zip(keys, (next(iter(a["value"].values()), None) for a in of["attributes"])))


def hex_id(text, size):
    assert re.fullmatch(r"[0-9a-f]{%d}" % size, text) and int(text, 16), text
    return text


def proto(line, kind):
    """In the protocol's own JSON bytes are base64; OTLP says hex."""
    def again(m):
        return f'"{m[1]}":"{base64.b64encode(bytes.fromhex(m[2])).decode()}"'

    json_format.Parse(re.sub(r'"(traceId|spanId|parentSpanId)":"([0-9a-f]+)"', again, line), kind())


def otlp(path):
    spans, records, lines = {}, 0, 0
    with open(path, encoding="utf-8") as f:
        for line in f.read().split("\n")[:-1]:
            d, lines = json.loads(line), lines + 1
            (key,) = d
            if json_format:
                proto(line, TracesData if key == "resourceSpans" else LogsData)
            for r in d[key]:
                assert "service.name" in attributes(r["resource"])
                for s in r.get("scopeSpans", []):
                    for x in s["spans"]:
                        hex_id(x["traceId"], 32), hex_id(x["spanId"], 16)
                        assert 0 < int(x["startTimeUnixNano"]) <= int(x["endTimeUnixNano"])
                        assert x["spanId"] not in spans and isinstance(x["name"], str)
                        attributes(x)
                        spans[x["spanId"]] = x
                for s in r.get("scopeLogs", []):
                    for x in s["logRecords"]:
                        records += 1
                        assert int(x["timeUnixNano"]) > 0 and x["severityNumber"] in (0, 1, 5, 9, 13, 17)
                        assert isinstance(x["body"]["stringValue"], str)
                        if "traceId" in x:
                            hex_id(x["traceId"], 32)
                        attributes(x)
    inside = [x for x in spans.values() if "parentSpanId" in x]
    known = [x for x in inside if hex_id(x["parentSpanId"], 16) in spans]
    same = sum(x["traceId"] == spans[x["parentSpanId"]]["traceId"] for x in known)
    return f"{len(spans)} spans of {len({x['traceId'] for x in spans.values()})} traces, {len(inside)} in another, {len(known)} of them there, {same} of its trace; {records} records"


TRACE_KEYS = {  # by the definition of the format ("Trace Event Format"): what an event of a phase must have, and of which kind
    "M": {"name": str, "args": dict},
    "X": {"name": str, "cat": str, "ts": decimal.Decimal, "dur": decimal.Decimal, "args": dict},
    "C": {"name": str, "ts": decimal.Decimal, "args": dict},
    "s": {"name": str, "cat": str, "ts": decimal.Decimal, "id": int},
    "f": {"name": str, "cat": str, "ts": decimal.Decimal, "id": int, "bp": str},
}


def number(x):
    return type(x) in (int, decimal.Decimal) and decimal.Decimal(x).is_finite()


def trace_event(e):
    """Its keys and their kinds; no others, so that a key that is misspelt is one too many and one too few."""
    keys = {"ph": str, "pid": int, "tid": int, **TRACE_KEYS[e["ph"]]}
    assert e.keys() == keys.keys(), e
    assert all(type(e[k]) is kind for k, kind in keys.items()), e
    assert 0 < e["pid"] < 2**31 and 0 <= e["tid"] < 2**31, e
    assert "ts" not in e or e["ts"].is_finite(), e


def perfetto(path):
    """Trace events: in a thread slices lie within one another or behind one another; arrows have both ends, in a slice; counters are
    numbers; what is named is named once, before it is used."""
    with open(path, encoding="utf-8") as f:
        trace = json.load(f, parse_float=decimal.Decimal)
    events = trace["traceEvents"]
    assert trace["displayTimeUnit"] in ("ms", "ns") and all(isinstance(x, str) for x in trace["otherData"].values())
    threads, processes, open_in, arrows, kinds, last = {}, {}, {}, {}, collections.Counter(), None
    for e in events:
        trace_event(e)
        at = (e["pid"], e["tid"])
        kinds[e.get("cat", e["ph"])] += 1
        if e["ph"] == "M":
            assert e["name"] in ("process_name", "thread_name") and isinstance(e["args"]["name"], str)
            names, key = (threads, at) if e["name"] == "thread_name" else (processes, e["pid"])
            assert key not in names
            names[key] = e["args"]["name"]
            continue
        assert e["pid"] in processes
        if e["ph"] == "C":
            assert e["args"] and all(number(x) for x in e["args"].values()), e
            continue
        assert at in threads and (last is None or e["ts"] >= last), e
        last = e["ts"]
        stack = open_in.setdefault(at, [])
        if e["ph"] == "X":
            while stack and stack[-1] <= e["ts"]:
                stack.pop()
            assert e["dur"] >= 0 and (not stack or e["ts"] + e["dur"] <= stack[-1]), e
            stack.append(e["ts"] + e["dur"])
        else:
            assert stack and e["ts"] <= stack[0], e
            assert e["ph"] == "s" or e["bp"] == "e"
            arrows.setdefault((e["cat"], e["name"], e["id"]), []).append(e["ph"])
    assert all(a == ["s", "f"] for a in arrows.values()), arrows
    if packets:
        as_packets(events)
    return f"{len(processes)} processes, {len(threads)} lanes; " + ", ".join(f"{kinds[k]} {k}" for k in ("request", "phase", "span", "C")) + f"; {len(arrows)} arrows"


def as_packets(events):
    """The same as Perfetto's own trace, whose types are narrower: unsigned nanoseconds, 32-bit process ids, each slice with its end. What
    went in comes out."""
    trace, counts, stacks = packets.Trace(), collections.Counter(), collections.defaultdict(list)
    kinds = packets.TrackEvent

    def track(*key):
        return hash(key) & 0xFFFFFFFFFFFFFFFF

    def event(ts, kind, uuid, **more):
        ns = int(ts * 1000)
        assert ns == ts * 1000, ts
        p = trace.packet.add(timestamp=ns, trusted_packet_sequence_id=1, track_event=kinds(type=kind, track_uuid=uuid, **more))
        counts[kind] += 1
        return p

    def close(at, until):
        while stacks[at] and stacks[at][-1] <= until:
            event(stacks[at].pop(), kinds.TYPE_SLICE_END, track(*at))

    for e in events:
        at = (e["pid"], e["tid"])
        if e["ph"] == "M":
            d = trace.packet.add().track_descriptor
            if e["name"] == "process_name":
                d.uuid, d.process.pid, d.process.process_name = track(e["pid"]), e["pid"], e["args"]["name"]
            else:
                d.uuid, d.parent_uuid, d.thread.pid, d.thread.tid, d.thread.thread_name = track(*at), track(e["pid"]), e["pid"], e["tid"], e["args"]["name"]
        elif e["ph"] == "C":
            event(e["ts"], kinds.TYPE_COUNTER, track(e["pid"], e["name"]), double_counter_value=float(e["args"]["value"]))
        elif e["ph"] == "X":
            close(at, e["ts"])
            p = event(e["ts"], kinds.TYPE_SLICE_BEGIN, track(*at), name=e["name"], categories=[e["cat"]])
            for k, v in e["args"].items():
                p.track_event.debug_annotations.add(name=k, string_value=str(v))
            stacks[at].append(e["ts"] + e["dur"])
        else:
            ends = {"flow_ids": [e["id"]]} if e["ph"] == "s" else {"terminating_flow_ids": [e["id"]]}
            event(e["ts"], kinds.TYPE_INSTANT, track(*at), name=e["name"], **ends)
    for at in stacks:
        close(at, decimal.Decimal("Infinity"))
    again = packets.Trace.FromString(trace.SerializeToString())
    assert collections.Counter(p.track_event.type for p in again.packet if p.HasField("track_event")) == counts
    assert counts[kinds.TYPE_SLICE_BEGIN] == counts[kinds.TYPE_SLICE_END]


def ndjson(path):
    """Event lines: an object a line, times rising as far as one clock shows them."""
    with open(path, encoding="utf-8") as f:
        lines = [json.loads(l) for l in f.read().split("\n")[:-1]]
    assert all(isinstance(l["fields"].get("message", ""), str) and isinstance(l["timestamp"], str) for l in lines)
    stamps = [l["timestamp"] for l in lines]
    if len({len(s) for s in stamps}) == 1:
        assert stamps == sorted(stamps)
    if duckdb and lines:
        (n,) = duckdb.sql(f"select count(*) from read_json('{path}', format='newline_delimited', maximum_object_size=100000000)").fetchall()[0]
        assert n == len(lines)
    return f"{len(lines)} lines, {sum('tid' in l['fields'] for l in lines)} with tid"


def csv(path):
    """Tables: as many rows as there are, each as long as the line of names; the README names all columns."""
    said, readme = [], open(path + "/README.md", encoding="utf-8").read()
    for name in sorted(os.listdir(path)):
        if name == "README.md":
            continue
        with open(f"{path}/{name}", encoding="utf-8", newline="") as f:
            head, *rows = list(csv_reader(f, strict=True))
        assert all(len(r) == len(head) for r in rows), name
        part = readme.split(f"## {name}\n")[1].split("## ")[0]
        assert re.findall(r"^\| (\w+) \|", part.replace("\\", ""), re.M)[1:] == head, name
        if pandas:
            assert len(pandas.read_csv(f"{path}/{name}", keep_default_na=False)) == len(rows), name
        if duckdb:
            (n,) = duckdb.sql(f"select count(*) from read_csv('{path}/{name}', header=true, delim=',', quote='\"', escape='\"', all_varchar=true)").fetchall()[0]
            assert n == len(rows), (name, n)
        said.append(f"{name[:-4]} {len(rows)}")
    return ", ".join(said)


if __name__ == "__main__":
    if sys.argv[1] == "hostile":
        hostile(sys.argv[2])
        sys.exit()
    for name in sys.argv[1].split(","):
        with tempfile.TemporaryDirectory() as d:
            subprocess.run(["ilu-logq", "export", name, "-q", "-o", d + "/out", *sys.argv[2:]], check=True)
            print(f"{name}:", globals()[name.replace("-", "_")](d + "/out"))
