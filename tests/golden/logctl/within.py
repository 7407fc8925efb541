# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command on a terminal of so many columns until it has written its second table, ends it by Ctrl-C, and tells how long the longest
line was and which words some line of places has: within.py COLUMNS COMMAND..."""
import fcntl, os, pty, re, signal, struct, sys, termios

columns = int(sys.argv[1])
pid, terminal = pty.fork()
if not pid:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who started the tests may have ignored it
    os.execvp(sys.argv[2], sys.argv[2:])


def read():
    """What is on the terminal; nothing: the command is over."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


seen, got = b"", b"-"
while got and seen.count(b"\x1b[?7l") < 3:
    got = read()
    seen += got
os.write(terminal, b"\x03")
while read():  # else it might wait for room to write the rest of a table, for ever
    pass
os.waitpid(pid, 0)
table = re.sub(r"\x1b\[[0-9?]*[A-Za-z]", "", seen.split(b"\x1b[?7l")[2].decode()).replace("\r", "").split("\n")
places = [l for l in table[3:] if l]
print("wider than the terminal:", sum(len(l) > columns for l in table))
print("places:", len(places) > 0, "with target and text:", all(re.match(r' *[\d.]+ +\d+  \w+ +[\w:]+ (span )?"', l) for l in places))
