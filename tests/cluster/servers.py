# SPDX-License-Identifier: Apache-2.0
"""ClickHouse servers on loopback, for tests: each a shard of one cluster, on ports that nobody has, ended by their own process ids.

    with servers.Cluster(3) as c:
        c.url()            clickhouse://127.0.0.1:PORT,.../ilu
        c.ask(0, "...")    what server 0 answers
        c.kill(1); c.start(1)

A server that comes up on a port which somebody took meanwhile is given another one."""
import os, shutil, signal, socket, subprocess, tempfile, time, urllib.error, urllib.request

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SERVER = shutil.which("clickhouse-server") or shutil.which("clickhouse-server", path="/usr/sbin:/usr/local/sbin")

CONFIG = """<?xml version="1.0"?>
<yandex>
 <logger><level>warning</level><log>{dir}/log</log><errorlog>{dir}/error</errorlog></logger>
 <listen_host>{host}</listen_host>
 <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><interserver_http_port>{inter}</interserver_http_port>
 <interserver_http_host>{host}</interserver_http_host>{tls}
 <mark_cache_size>67108864</mark_cache_size><uncompressed_cache_size>67108864</uncompressed_cache_size>
 <path>{dir}/data/</path><tmp_path>{dir}/tmp/</tmp_path>
 <users_config>{dir}/users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
 <timezone>Asia/Kolkata</timezone>
 <remote_servers><ilu>{shards}</ilu></remote_servers>
</yandex>
"""

# Days are those of UTC wherever a server stands, so these stand elsewhere.
USERS = """<?xml version="1.0"?>
<yandex>
 <profiles>
  <default><max_memory_usage>1500000000</max_memory_usage><max_threads>2</max_threads></default>
  <reader><readonly>1</readonly></reader>
  <small><max_memory_usage>400000000</max_memory_usage><max_threads>2</max_threads></small>
 </profiles>
 <users>
  <default><password></password><networks><ip>127.0.0.0/8</ip></networks><profile>default</profile><quota>default</quota></default>
  <small><password></password><networks><ip>127.0.0.0/8</ip></networks><profile>small</profile><quota>default</quota></small>
  <reader><password>read me</password><networks><ip>127.0.0.0/8</ip></networks><profile>reader</profile><quota>default</quota></reader>
 </users>
 <quotas><default></default></quotas>
</yandex>
"""

TLS = """
 <https_port>{port}</https_port>
 <openSSL><server><certificateFile>{dir}/cert.pem</certificateFile><privateKeyFile>{dir}/key.pem</privateKeyFile>
 <verificationMode>none</verificationMode><disableProtocols>sslv2,sslv3</disableProtocols></server></openSSL>"""


def free_ports(n):
    held = [socket.socket() for _ in range(n)]
    try:
        for s in held:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


class Server:
    def __init__(self, dir, host, ports):
        self.dir, self.host, self.process = dir, host, None
        self.http, self.tcp, self.inter, self.https = ports
        for name in "data", "tmp":
            os.makedirs(os.path.join(dir, name))

    def write(self, shards, tls):
        self.tls = tls
        with open(os.path.join(self.dir, "config.xml"), "w") as f:
            f.write(CONFIG.format(dir=self.dir, host=self.host, http=self.http, tcp=self.tcp, inter=self.inter, shards=shards,
                                  tls=TLS.format(port=self.https, dir=os.path.dirname(self.dir)) if tls else ""))
        with open(os.path.join(self.dir, "users.xml"), "w") as f:
            f.write(USERS)

    def spawn(self):
        with open(os.path.join(self.dir, "out"), "ab") as out:
            self.process = subprocess.Popen([SERVER, "--config-file=" + os.path.join(self.dir, "config.xml")], cwd=self.dir, stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out, start_new_session=True)

    def is_up(self):
        try:
            with OPENER.open(f"http://{self.host}:{self.http}/ping", timeout=5) as r:
                return r.status == 200
        except OSError:
            return False

    def wait(self):
        """Until it answers; False: it ended."""
        while not self.is_up():
            if self.process.poll() is not None:
                return False
            time.sleep(0.05)
        return True

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait()


class Cluster:
    def __init__(self, n, certificate=lambda dir: False, apart=False):
        """certificate(dir) makes cert.pem and key.pem there, or says that it can't: then there is no TLS. apart: each has an address of its own, and all
        the same ports, as servers on several machines have."""
        self.apart = apart
        self.dir = tempfile.mkdtemp(prefix="ilu-cluster-")
        self.n, self.tls, self.servers = n, certificate(self.dir), []

    def __enter__(self):
        try:
            for _ in range(5):
                if self.begin():
                    return self
            raise RuntimeError("no server came up:\n" + self.complaints())
        except BaseException:
            self.__exit__()
            raise

    def begin(self):
        for s in self.servers:
            s.kill()
            shutil.rmtree(s.dir)
        ports = free_ports(4) * self.n if self.apart else free_ports(4 * self.n)
        self.servers = [Server(os.path.join(self.dir, f"s{i}"), f"127.0.0.{1 + i * self.apart}", ports[4 * i : 4 * i + 4]) for i in range(self.n)]
        shards = "".join(f"<shard><replica><host>{s.host}</host><port>{s.tcp}</port></replica></shard>" for s in self.servers)
        for s in self.servers:
            s.write(shards, self.tls)
            s.spawn()
        return all([s.wait() for s in self.servers])

    def complaints(self):
        text = ""
        for s in self.servers:
            for name in "out", "error":
                path = os.path.join(s.dir, name)
                if os.path.exists(path):
                    with open(path, errors="replace") as f:
                        text += f.read()[-2000:]
        return text

    def __exit__(self, *_):
        for s in self.servers:
            s.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def kill(self, i):
        self.servers[i].kill()

    def start(self, i):
        self.servers[i].spawn()
        if not self.servers[i].wait():
            raise RuntimeError("a server did not come up again:\n" + self.complaints())

    def url(self, database="ilu", order=None, user=""):
        return f"clickhouse://{user}" + ",".join(f"{self.servers[i].host}:{self.servers[i].http}" for i in (order or range(self.n))) + "/" + database

    def ask(self, i, sql):
        r = urllib.request.Request(f"http://{self.servers[i].host}:{self.servers[i].http}/", data=sql.encode())
        try:
            with OPENER.open(r) as answer:
                return answer.read().decode(errors="surrogateescape")
        except urllib.error.HTTPError as e:
            raise RuntimeError(e.read().decode(errors="replace"))

    def ask_all(self, sql):
        return "".join(self.ask(i, sql) for i in range(self.n))
