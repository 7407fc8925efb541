#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""schema.py DB COPY - a letter of a column's name is another one, in each of the tables: what a command says of it is that the database is damaged
(exit status 3), or it does without that column. Each other end is told."""
import random, re, shutil, sqlite3, subprocess, sys

DB, COPY = sys.argv[1:]
COMMANDS = [["functions"], ["spans"], ["lint"], ["summary"], ["events", "--limit", "3"], ["phases"], ["check"], ["errors"], ["runs"], ["sources"], ["invocations"],
            ["cat", "1"], ["patterns"], ["containers"], ["hangs"], ["gaps"], ["status"], ["batches"], ["timeline", "TID"], ["slow"], ["drop-source", "1"],
            ["load", "samples/logs/damaged.log"]]

r = random.Random(12)
db = sqlite3.connect(DB)
made = db.execute("SELECT rowid, name, sql FROM sqlite_schema WHERE type IN ('table', 'view')").fetchall()
tid = db.execute("SELECT tid FROM invocation LIMIT 1").fetchone()[0]
db.close()
ends = {}
for rowid, name, sql in made:
    for _ in range(3):
        word = r.choice([m for m in re.finditer(r"(?<![\w.])[a-z_]{2,}", sql) if m.start() > sql.index(name)])
        i = r.randrange(word.start(), word.end())
        shutil.copy(DB, COPY)
        db = sqlite3.connect(COPY)
        db.execute("PRAGMA writable_schema = on")
        db.execute("UPDATE sqlite_schema SET sql = ? WHERE rowid = ?", (sql[:i] + r.choice("qxz") + sql[i + 1 :], rowid))
        db.commit()
        db.close()
        command = [tid if c == "TID" else c for c in r.choice(COMMANDS)]
        p = subprocess.run(["ilu-logq", "-d", COPY, "--quiet", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        ends[p.returncode] = ends.get(p.returncode, 0) + 1
        if p.returncode not in (0, 1, 3):
            print(name, word[0], command[0], p.returncode, p.stderr[:200])
print("damaged, or done without" if ends.get(3) else ends)
