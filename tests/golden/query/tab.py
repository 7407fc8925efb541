# SPDX-License-Identifier: GPL-3.0-or-later
"""Types the lines of standard input into bash or zsh on a terminal, \\t for the Tab key, and prints what then stands in the line, which is
never run: tab.py bash|zsh FILE, FILE says how ilu-logq is completed."""
import os, pty, sys, tempfile

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], """PS1='@'; . '{file}'; show() {{ printf '%s\\n' "$READLINE_LINE" >> '{out}'; READLINE_LINE=''; }}
bind 'set enable-bracketed-paste off'; bind -x '"\\C-xp": show'
"""),
    "zsh": (["zsh", "-f", "-i"], """PROMPT='@'; fpath=('{folder}' $fpath); autoload -Uz compinit; compinit -u -D
show() {{ print -r -- "$BUFFER" >> '{out}'; BUFFER=''; }}; zle -N show; bindkey '^Xp' show
"""),
}
shell, file = sys.argv[1], os.path.abspath(sys.argv[2])
out = os.path.join(tempfile.mkdtemp(), "lines")
command, start = SHELLS[shell]
pid, terminal = pty.fork()
if not pid:
    os.environ.update(TERM="dumb", INPUTRC="/dev/null", HISTFILE="", ZDOTDIR=os.path.dirname(out))
    os.execvp(command[0], command)


def until(what):
    """Reads on until the shell has said it."""
    seen = b""
    while what not in seen:
        got = os.read(terminal, 4096)
        if not got:
            sys.exit("no %r after %r" % (what, seen))
        seen += got


def lines():
    try:
        with open(out) as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


start = start.format(file=file, folder=os.path.dirname(file), out=out) + "printf 'rea%s\\n' dy\n"
os.write(terminal, start.encode())
until(b"ready")
for n, line in enumerate(sys.stdin.read().splitlines(), 1):
    os.write(terminal, line.replace("\\t", "\t").encode() + b"\x18p")
    while len(lines()) < n:
        os.read(terminal, 4096)
os.write(terminal, b"exit\n")
print("\n".join(lines()))
os.remove(out)
os.rmdir(os.path.dirname(out))
