# SPDX-License-Identifier: GPL-3.0-or-later
"""Types the lines of standard input into the shell on a terminal and prints what it answers, without the echo: terminal.py COMMAND...
\\t is the Tab key, ^C at the end of a line is Ctrl-C instead of Return, a line `!width N` makes the terminal so wide, `!wait` waits half a
second and `!interrupt` presses Ctrl-C while the line before it is being answered."""
import fcntl, os, pty, re, struct, sys, termios, time

PROMPTS = (b"ilu-logq> ", b"     ...> ")
env = dict(os.environ, TERM="dumb", INPUTRC="/dev/null")
env.setdefault("PAGER", "")
env.pop("COLUMNS", None)
env.pop("LINES", None)


def resize(fd, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))


pid, terminal = pty.fork()
if not pid:
    resize(0, 100)  # before it starts: it draws its line anew when it hears of it later
    os.execvpe(sys.argv[1], sys.argv[1:], env)


def until_prompt(typed=True):
    """What comes up to the next prompt; behind a line that was typed: one after its end, not one that a resize drew again."""
    seen = b""
    while not seen.endswith(PROMPTS) or (typed and b"\n" not in seen):
        try:
            got = os.read(terminal, 4096)
        except OSError:
            return seen, True
        if not got:
            return seen, True
        seen += got
    return seen, False


def show(seen, typed):
    text = seen.decode(errors="replace").replace("\r\n", "\n").replace("\r", "").replace("\a", "")
    for prompt in PROMPTS:
        if text.endswith(prompt.decode()):
            text = text[: -len(prompt)]
    first, _, rest = text.partition("\n")
    if typed is not None and "\\t" in typed:
        print("[" + first + "]")  # what completion made of it
    elif typed is None:
        rest = text
    rest = re.sub(r"\d+(\.\d+)? (ns|us|µs|ms|s)\b", "N s", rest) if "took" in rest else rest
    sys.stdout.write(rest)
    sys.stdout.flush()


seen, over = until_prompt(False)
show(seen, None)
lines = sys.stdin.read().splitlines()
for i, line in enumerate(lines):
    if over:
        print("[has left before: %s]" % line)
        break
    if line.startswith("!width "):
        resize(terminal, int(line.split()[1]))
        continue
    if line == "!interrupt":
        continue
    key = b"\n"
    typed = line
    if line.endswith("^C"):
        typed, key = line[:-2], b"\x03"
    os.write(terminal, typed.replace("\\t", "\t").encode())
    if key == b"\x03":
        time.sleep(0.3)
    os.write(terminal, key)
    if i + 1 < len(lines) and lines[i + 1] == "!interrupt":
        time.sleep(1)
        os.write(terminal, b"\x03")
    seen, over = until_prompt()
    show(seen, typed)
if not over:
    os.write(terminal, b"\x04")
    while not over:
        _, over = until_prompt()
os.waitpid(pid, 0)
