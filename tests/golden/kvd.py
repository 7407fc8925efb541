#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kvd.py talk KVD DIRECTORY - a conversation with the server, in pieces of all sizes.
kvd.py kill KVD DIRECTORY ROUNDS - kill it under load, start it again; is what it acknowledged in its log, once?"""
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import time

LOAD = os.path.join(os.path.dirname(__file__), "..", "..", "samples", "kvd", "load")

TALK = [
    b"set a 7 0 5\r\nhello\r\n",
    b"get a\r\n",
    b"get a b  c\r\n",
    b"set b 0 0 0\r\n\r\n",
    b"get b\r\n",
    b"set a 1 0 4\r\nwo\r\n\r\n",  # a value with a line end in it
    b"get a b\r\n",
    b"delete a\r\n",
    b"delete a\r\n",
    b"delete b 0\r\n",
    b"set q 0 0 1 noreply\r\nx\r\nget q\r\n",
    b"delete q noreply\r\nget q\r\n",
    b"set gone 0 -1 1\r\nx\r\nget gone\r\n",
    b"set x 0 0 3\r\ntoolong\r\n",
    b"set x 0 0\r\n",
    b"set x 0 0 -1\r\n",
    b"set x 99999999999 0 1\r\n",
    b"get " + b"k" * 251 + b"\r\n",
    b"get\r\n",
    b"delete\r\n",
    b"frobnicate\r\n",
    b"set big 0 0 1048577\r\n" + b"x" * 1048577 + b"\r\nget big\r\n",
    b"set big 0 0 1048576\r\n" + b"y" * 1048576 + b"\r\n",
    b"get " + b" ".join(b"k%d" % i for i in range(65)) + b"\r\n",
    b"version\r\n",
    b"get nothing\n",
    b"get " + b"z" * 20000,
]


# Lines of several threads come out in the order of time, also where the machine lets one of them wait.
ENVIRONMENT = {**os.environ, "ILU_LOG__grace_ms": "1000"}


def start(kvd, directory, *options):
    p = subprocess.Popen([kvd, "--port", "0", *options], cwd=directory, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    atexit.register(p.kill)  # when something fails before its end
    return p, int(p.stdout.readline().rsplit(":", 1)[1])


def stop(p, number):
    p.send_signal(number)
    p.stdout.close()
    return p.wait()


def answers(port, pieces):
    s = socket.create_connection(("127.0.0.1", port))
    got = []
    for piece in pieces:
        s.sendall(piece)
    s.shutdown(socket.SHUT_WR)
    while data := s.recv(65536):
        got.append(data)
    s.close()
    return b"".join(got)


def talk(kvd, directory):
    p, port = start(kvd, directory)
    told = answers(port, TALK)
    for line in told.split(b"\r\n"):
        print(line.decode() if len(line) < 80 else f"{len(line)} bytes")
    # The same in single bytes gives the same, and so do all at once.
    small = [t for t in TALK if len(t) < 1000]
    whole = answers(port, [b"".join(small)])
    print("in pieces:", whole == answers(port, [bytes([b]) for t in small for b in t]))
    # Who sends much more than is understood is told so all the same.
    print(answers(port, [b"get " + b"z" * 1000000]).decode().strip())
    print("ended:", stop(p, signal.SIGTERM))


def size(directory):
    return os.path.getsize(os.path.join(directory, "kvd.log"))


def logged(directory):
    keys = []
    with open(os.path.join(directory, "kvd.log"), encoding="utf-8") as f:
        for line in f:
            e = json.loads(line)
            if e["fields"]["message"] == "Value stored" and e["fields"]["key"] != "shared":
                keys.append(e["fields"]["key"])
    return keys


def kill(kvd, directory, rounds):
    acknowledged = set()
    for i in range(int(rounds)):
        p, port = start(kvd, directory)
        file = os.path.join(directory, "acknowledged")
        load = subprocess.Popen([LOAD, "--clients", "8", "--seconds", "600", "--seed", str(i), "--acknowledged", file, str(port)], stdout=subprocess.PIPE, text=True)
        before = size(directory)
        while size(directory) < before + 15000 * (i + 1):  # in the middle of it
            time.sleep(0.005)
        stop(p, signal.SIGKILL)
        out, _ = load.communicate()
        if load.returncode:
            print(out)
        acknowledged |= set(open(file, encoding="ascii").read().split())
    p, _ = start(kvd, directory)
    stop(p, signal.SIGTERM)
    keys = logged(directory)
    print("acknowledged:", len(acknowledged) > 0, "missing:", len(acknowledged - set(keys)), "twice:", len(keys) - len(set(keys)))


{"talk": talk, "kill": kill}[sys.argv[1]](*sys.argv[2:])
