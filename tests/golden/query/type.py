# SPDX-License-Identifier: GPL-3.0-or-later
"""Types the lines of standard input into the shell on a terminal, \\t for the Tab key, and prints the lines as the shell's history has
them: type.py COMMAND..."""
import os, pty, shutil, sys, tempfile

PROMPT = b"ilu-logq> "
state = tempfile.mkdtemp()
pid, terminal = pty.fork()
if not pid:
    os.environ.update(TERM="dumb", PAGER="", XDG_STATE_HOME=state, INPUTRC="/dev/null")
    os.execvp(sys.argv[1], sys.argv[1:])


def until_prompt():
    seen = b""
    while not seen.endswith(PROMPT):
        got = os.read(terminal, 4096)
        if not got:
            sys.exit("no prompt after %r" % seen)
        seen += got


for line in sys.stdin.read().splitlines() + ["quit"]:
    until_prompt()
    os.write(terminal, line.replace("\\t", "\t").encode() + b"\n")
os.waitpid(pid, 0)
with open(os.path.join(state, "ilu-logq", "history")) as history:
    # Times stand between the statements.
    sys.stdout.writelines(line for line in history if not line.startswith("#"))
shutil.rmtree(state)
