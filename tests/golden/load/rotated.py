#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""rotated.py [--stops] DIRECTORY SEED... - a log that grows while it is rotated, packed, copied, linked, cut and loaded, in random order: after each
load every line that was there is in the database once. Prints what is not, with the steps up to there.
--stops: loads are also interrupted and killed, at any time; what was in the database before is there once, and so is all when it is loaded again."""
import functools, gzip, os, random, re, shutil, signal, subprocess, sys, time

stops = sys.argv[1:2] == ["--stops"]


class Log:
    def __init__(self, top, seed):
        self.r, self.top, self.n, self.half, self.steps = random.Random(seed), top, 0, b"", []
        self.spelling = self.r.choice(
            ['{"timestamp":"%s.000Z","level":"info","message":"%s","n":%d}\n', '{"timestamp":"%s.000000000Z","level":"INFO","fields":{"message":"%s","n":%d},"target":"app"}\n']
        )
        self.now, self.texts, self.loaded = top + "/l/app.log", {}, set()
        self.took, self.large = 0.02, 2 * stops
        shutil.rmtree(top, ignore_errors=True)
        os.makedirs(top + "/l")
        os.makedirs(top + "/m")
        self.put(self.now, b"")

    def lines(self, many):
        """Text of so many lines that were never there; it is said in 1 KiB who they are."""
        out = b""
        for _ in range(many):
            time = "2026-06-01T%02d:%02d:%02d" % (self.n // 3600, self.n // 60 % 60, self.n % 60)
            out += (self.spelling % (time, "x" * self.r.choice([0, 3, 200]), self.n)).encode()
            self.n += 1
        return out

    def put(self, path, text, packed=None):
        with open(path, "wb") as f:
            f.write(text if packed is None else packed)
        self.texts[path] = text

    def append(self, text):
        with open(self.now, "ab") as f:
            f.write(text)
        self.texts[self.now] += text

    def end_line(self):
        self.append(self.half)
        self.half = b""

    def files(self, packed=None):
        found = sorted(p for p in self.texts if p != self.now)
        return [p for p in found if packed is None or p.endswith((".gz", ".zst")) == packed]

    def load(self, *paths, pipe=None):
        command = ["ilu-logq", "-q", "-d", self.top + "/db", "load", *paths]
        for _ in range(stops and self.r.choice([0, 1, 2])):
            self.stop(command, pipe)
        start = time.monotonic()
        p = subprocess.run(command, input=pipe, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.took = time.monotonic() - start
        if p.returncode not in (0, 2, 3):
            raise SystemExit(f"load ended with {p.returncode}: {p.stdout}")

    def stop(self, command, pipe):
        """A load that does not come to its end, or just so."""
        with open(self.top + "/in", "wb") as f:
            f.write(pipe or b"")
        with subprocess.Popen(["cat", self.top + "/in"], stdout=subprocess.PIPE) as text:
            with subprocess.Popen(command, stdin=text.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
                text.stdout.close()
                time.sleep(self.r.random() * self.took)
                p.send_signal(self.r.choice([signal.SIGINT, signal.SIGINT, signal.SIGKILL]))
        if p.returncode not in (0, 2, 3, 130, -signal.SIGINT, -signal.SIGKILL):
            raise SystemExit(f"stopped load ended with {p.returncode}")
        self.steps.append("stop(%d)" % p.returncode)
        if self.wrong():
            raise SystemExit(f"{self.top}: {self.wrong()}: {' '.join(self.steps)}")

    # what may happen

    def grow(self):
        self.end_line()
        many = self.r.choice([15, 20, 50, 400] + [20000] * (self.large > 0))
        self.large -= many == 20000
        self.append(self.lines(many))

    def grow_by_half_a_line(self):
        self.end_line()
        text = self.lines(self.r.choice([15, 40]))
        k = self.r.randrange(1, 20)
        self.append(text[:-k])
        self.half = text[-k:]

    def rotate(self):
        self.end_line()
        old = [p for p in self.files() if re.search(r"/l/app\.log\.\d+(\.gz|\.zst)?$", p)]
        for p in sorted(old, key=lambda p: -int(re.search(r"log\.(\d+)", p)[1])):
            to = re.sub(r"log\.(\d+)", lambda m: "log.%d" % (int(m[1]) + 1), p)
            os.rename(p, to)
            self.texts[to] = self.texts.pop(p)
        os.rename(self.now, self.now + ".1")
        self.texts[self.now + ".1"] = self.texts.pop(self.now)
        self.put(self.now, b"")

    def copytruncate(self):
        self.end_line()
        text = self.texts[self.now]
        self.rotate()
        if self.r.random() < 0.5:  # the copy is made anew, with another inode
            os.unlink(self.now + ".1")
            self.put(self.now + ".1", text)

    def pack(self):
        if not self.files(False):
            return
        path = self.r.choice(self.files(False))
        text = self.texts[path]
        at = self.r.randrange(len(text) + 1)
        parts = self.r.choice([[text], [text[:at], b"", text[at:]]])
        if self.r.random() < 0.5:
            end, packed = ".gz", b"".join(gzip.compress(p, self.r.choice([1, 9])) for p in parts)
        else:
            zstd = [subprocess.run(["zstd", "-qc", "-%d" % self.r.choice([1, 9])], input=p, stdout=subprocess.PIPE, check=True).stdout for p in parts]
            end, packed = ".zst", b"\x50\x2a\x4d\x18\3\0\0\0abc".join(zstd)  # a frame to skip between them
        self.put(path + end, text, packed)
        if self.r.random() < 0.7:
            self.remove(path)

    def unpack(self):
        for path in self.files(True)[:1]:
            plain = path.rsplit(".", 1)[0]
            if plain not in self.texts:
                self.put(plain, self.texts[path])

    def remove(self, path=None):
        path = path or self.r.choice(self.files() or [""])
        if path:
            os.unlink(path)
            del self.texts[path]

    def copy(self):
        path = self.r.choice(self.files() + [self.now])
        to = "%s/%s/copy%d-%s" % (self.top, self.r.choice("lm"), len(self.steps), os.path.basename(path))
        shutil.copy(path, to)
        self.texts[to] = self.texts[path]

    def link(self):
        path = self.r.choice(self.files() + [self.now])
        if self.r.random() < 0.5 or path == self.now:
            os.symlink(path, "%s/l/to%d-%s" % (self.top, len(self.steps), os.path.basename(path)))
        else:
            os.link(path, path + "-%d.log" % len(self.steps))
            self.texts[path + "-%d.log" % len(self.steps)] = self.texts[path]

    def cut(self):
        """Its end is lost, as in a crash, when it was loaded; and it goes on."""
        self.load(self.now)
        self.loaded |= numbers(self.texts[self.now])
        text = self.texts[self.now]
        at = text.rfind(b"\n", 0, self.r.randrange(1500, len(text)) if len(text) > 1500 else 0) + 1
        if at > 1024:
            self.half = b""
            self.put(self.now, text[:at])
            self.append(self.lines(self.r.choice([20, 400])))
            self.load(self.now)
            self.loaded |= numbers(self.texts[self.now])

    def load_all(self):
        self.load(self.top + "/l", self.top + "/m", "--threads", self.r.choice("124"))
        for path in self.texts:
            self.loaded |= numbers(self.texts[path])

    def load_some(self):
        some = self.r.sample(sorted(self.texts), min(len(self.texts), self.r.choice([1, 2, 3])))
        self.load(*some)
        for path in some:
            self.loaded |= numbers(self.texts[path])

    def load_pipe(self):
        path = self.r.choice(sorted(self.texts))
        with open(path, "rb") as f:
            self.load("-", pipe=f.read())
        self.loaded |= numbers(self.texts[path])

    def wrong(self):
        if not os.path.exists(self.top + "/db"):
            return ""
        ask = "SELECT field(event, 'n') AS n FROM event WHERE field(event, 'n') IS NOT NULL"
        rows = subprocess.run(["ilu-logq", "-q", "-d", self.top + "/db", "--format", "csv", "sql", ask], stdout=subprocess.PIPE, text=True).stdout.split()[1:]
        got = [int(x) for x in rows]
        twice, missing = len(got) - len(set(got)), sorted(self.loaded - set(got))
        check = subprocess.run(["ilu-logq", "-q", "-d", self.top + "/db", "check"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return f"{twice} twice, missing {missing[:5]}, check {check.returncode} {check.stdout}" if twice or missing or check.returncode else ""


@functools.lru_cache(1000)
def numbers(text):
    """Of whole lines."""
    return {int(x) for x in re.findall(rb'"n":(\d+)\}', text[: text.rfind(b"\n") + 1])}


def run(top, seed, steps=35):
    log = Log(top, seed)
    often = [log.grow] * 4 + [log.load_all] * 2 + [log.load_some] * 2 + [log.load_pipe, log.rotate, log.pack]
    rest = [log.grow_by_half_a_line, log.copytruncate, log.unpack, log.remove, log.copy, log.link, log.cut]
    for _ in range(steps):
        step = log.r.choice(often + rest)
        log.steps.append(step.__name__)
        step()
        if step.__name__ in ("cut", "load_all", "load_some", "load_pipe") and log.wrong():
            print(f"seed {seed}: {log.wrong()}: {' '.join(log.steps)}")
            return
    shutil.rmtree(top)


for s in sys.argv[2 + stops :]:
    run(sys.argv[1 + stops], int(s), 15 if stops else 35)
