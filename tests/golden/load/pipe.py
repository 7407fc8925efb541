# SPDX-License-Identifier: GPL-3.0-or-later
"""pipe.py COMMAND...: gives the command what comes on standard input through a pipe that stays open, presses Ctrl-C when it has read all
of it, and prints how it ended: the pipe is still open, so that nothing but the signal can have told it to."""
import array, fcntl, os, signal, subprocess, sys, termios, time


def wait_until(true):
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.01)


def catches(pid):
    with open("/proc/%d/status" % pid) as status:
        return any(int(line.split()[1], 16) >> (signal.SIGINT - 1) & 1 for line in status if line.startswith("SigCgt"))


def unread(pipe):
    n = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, n)
    return n[0]


out, into = os.pipe()
child = subprocess.Popen(sys.argv[1:], stdin=out)
os.write(into, sys.stdin.buffer.read(60000))
wait_until(lambda: child.poll() is not None or (catches(child.pid) and not unread(into)))
child.send_signal(signal.SIGINT)
try:
    print(child.wait(20))
except subprocess.TimeoutExpired:
    print("goes on")
    child.kill()
