#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The current ClickHouse on loopback, for tests: the engine of the Python package chdb behind as much of ClickHouse's HTTP as ilu-logq speaks.

    current.py PORT DIR       serves; ends with its standard input
    with current.Server(dir) as s: s.url("db"), s.ask("SELECT 1")

One statement at a time, of any number of connections. The interpreter is that of $ILU_TEST_CHDB, else this one; `available` says whether it has chdb."""
import gzip, os, re, socket, subprocess, sys, tempfile, threading, time, urllib.parse, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PYTHON = os.environ.get("ILU_TEST_CHDB") or sys.executable
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def available():
    try:
        return subprocess.run([PYTHON, "-c", "import chdb.session"], capture_output=True, timeout=120).returncode == 0
    except OSError:
        return False


class Server:
    def __init__(self, dir):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen([PYTHON, os.path.abspath(__file__), str(self.port), dir], stdin=subprocess.PIPE)

    def __enter__(self):
        while self.process.poll() is None:
            try:
                self.ask("SELECT 1")
                return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the engine ended with {self.process.returncode}")

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def url(self, database):
        return f"clickhouse://127.0.0.1:{self.port}/{database}"

    def ask(self, sql):
        with OPENER.open(urllib.request.Request(f"http://127.0.0.1:{self.port}/", data=sql.encode())) as r:
            return r.read().decode(errors="surrogateescape")


# ---- the serving side -------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(may_write=False)

    def do_POST(self):
        self.answer(may_write=True)

    def answer(self, may_write):
        given = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        try:
            with self.server.one:
                status, said = 200, self.run(given, body, may_write)
        except Exception as e:
            status, said = 500, str(e).encode(errors="replace")
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def run(self, given, body, may_write):
        session = self.server.session
        sql = given.get("query")
        session.query(f"USE {given.get('database') or 'default'}")
        if sql and body and re.match(r"\s*INSERT\s", sql):
            return self.insert(session, sql, body)
        sql = sql or body.decode(errors="surrogateescape")
        if not may_write and not re.match(r"\s*(SELECT|WITH|SHOW|DESC|DESCRIBE|EXISTS|EXPLAIN)\b", sql, re.I):
            raise RuntimeError("Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)")
        format = re.search(r"\sFORMAT\s+(\w+)\s*$", sql)
        sql = sql[: format.start()] if format else sql
        return session.query(sql, format.group(1) if format else given.get("default_format", "TabSeparated")).bytes() or b""

    def insert(self, session, sql, body):
        """The engine takes rows from files."""
        head, format = re.fullmatch(r"(.*\S)\s+FORMAT\s+(\w+)\s*", sql, re.S).groups()
        with tempfile.NamedTemporaryFile(dir=self.server.dir) as f:
            f.write(body)
            f.flush()
            session.query(f"{head} FROM INFILE '{f.name}' FORMAT {format}")
        return b""


def main():
    from chdb import session

    port, dir = int(sys.argv[1]), os.path.abspath(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.one = threading.Lock()
    server.dir, server.session = dir, session.Session(os.path.join(dir, "engine"))
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    server.serve_forever()
    server.session.close()


if __name__ == "__main__":
    main()
