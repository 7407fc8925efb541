# SPDX-License-Identifier: GPL-3.0-or-later
"""Random statements over the tables, each for the virtual ones and for their plain copies.

A table is written as MARK + its name + MARK until the statement is done; then it is the virtual table NAME, or p_NAME
(v_NAME and vp_NAME where a view over it is meant). So is event MATCH, which a plain copy does not know."""
import json, math, random, re

MARK, MATCH = "\x02", "\x03"
HUGE = ["9007199254740993", "9007199254740992.0", "1e300", "-1e300", "-0.0", "0.0", "9223372036854775807", "-9223372036854775808",
        "9223372036854775808", "1e19", "0.1", "x''", "x'00'", "''", "' '", "'1e1'", "' 7'", "'7 '", "'+1'"]


def quoted(v):
    if v is None:
        return "NULL"
    if isinstance(v, bytes):
        v = v.decode("utf-8", "replace")
    if isinstance(v, str):  # half a pair of surrogates is no text
        return "'" + v.encode("utf-8", "replace").decode().replace("'", "''").replace("\0", "") + "'"
    return repr(v)


def table(name, view=False):
    return f"{MARK}{'view ' if view else ''}{name}{MARK}"


def match(alias, text):
    return f"{MATCH}{alias}{MATCH}{quoted(text)}{MATCH}"


def rendered(sql, plain):
    to = r"matches(\1source, \1raw, \1message, \1fields, \2)" if plain else r"\1event MATCH \2"
    sql = re.sub(f"{MATCH}([a-z.]*){MATCH}(.*?){MATCH}", to, sql, flags=re.S)
    return re.sub(f"{MARK}(view )?(\\w+){MARK}", lambda m: ("v" if m[1] else "") + ("p" if plain else "") + ("_" if m[1] or plain else "") + m[2], sql)


class Question:
    """A statement or several, the last of which answers."""

    def __init__(self, sql, ordered=False, before=()):
        self.ordered, self.parameters, self.looks_twice = ordered, {}, True
        self.before = [(rendered(s, False), rendered(s, True)) for s in before]
        self.virtual, self.plain = rendered(sql, False), rendered(sql, True)


class Statement:
    """One random statement."""

    def __init__(self, database, seed):
        self.d, self.r = database, random.Random(seed)
        self.parameters = {}
        self.choose(self.r.choices(list(database.tables), [8 if t == "event" else 2 for t in database.tables])[0])

    def choose(self, name, alias=""):
        """The table that predicates are about."""
        self.table, self.columns, self.alias = name, self.d.tables[name], alias + "." if alias else ""

    # ---- values ----

    def value(self, name, column):
        rowids = self.d.rowids[name]
        return self.d.one(f'SELECT "{column}" FROM p_{name} WHERE rowid = {self.r.choice(rowids)}')

    def literal(self, name, column, kind):
        v, r = self.value(name, column), self.r
        if r.random() < 0.04:
            return r.choice(HUGE)
        if isinstance(v, bytes) and len(v) > 200:
            v = v[:30]
        if r.random() < 0.1:
            return self.parameter(v)
        if isinstance(v, (int, float)) and not (isinstance(v, float) and not math.isfinite(v)):
            way = r.randrange(9)
            if way == 0:
                return f"'{v}'"
            if way == 1:
                return f"{v}.0" if isinstance(v, int) else repr(v)
            if way == 2:
                return f"CAST('{v}' AS TEXT)"
            if way == 3:
                return repr(v + r.choice([-1, 1, 0.5]))
        if isinstance(v, bytes):
            way = r.randrange(10)
            if way == 0:
                return quoted(v.upper())
            if way == 1:
                return f"CAST({quoted(v)} AS BLOB)"
            if way == 2:
                return f"CAST({quoted(v)} AS INTEGER)"
            if way == 3:
                return str(r.randrange(3))
        return quoted(v)

    def parameter(self, v):
        """Bound: the plan does not know what it is."""
        if isinstance(v, bytes):
            v = v.decode("utf-8", "replace")
        name = f"p{len(self.parameters)}"
        self.parameters[name] = v
        return ":" + name

    def text(self, column):
        v = self.value(self.table, column)
        return v.decode("utf-8", "replace").replace("\0", "") if isinstance(v, bytes) else "x"

    # ---- conditions ----

    def predicate(self, depth=2):
        r = self.r
        if depth and r.random() < 0.45:
            op = r.choice([" OR ", " AND ", " OR "])
            return "(" + op.join(self.predicate(depth - 1) for _ in range(r.choice([2, 2, 3]))) + ")"
        if self.table == "event" and r.random() < 0.2:
            return self.special()
        column, kind = r.choice(self.columns)
        c = f'{self.alias}"{column}"'
        c = c if r.random() < 0.92 else "+" + c
        lit = lambda: self.literal(self.table, column, kind)
        way = r.randrange(23)
        if way == 0:
            return f"{c} IS {r.choice(['', 'NOT '])}NULL"
        if way == 1:
            return f"{c} {r.choice(['', 'NOT '])}IN ({', '.join(lit() for _ in range(r.randrange(1, 5)))})"
        if way == 2:
            other = r.choice(list(self.d.tables))
            oc = r.choice([x for x, _ in self.d.tables[other] if x == column] or [x for x, _ in self.d.tables[other]])
            if oc in ("raw", "fields", "spans"):
                oc = "run"
            return f'{c} IN (SELECT "{oc}" FROM p_{other} WHERE rowid % {r.choice([7, 50, 1000])} = 1)'
        if way == 3:
            return f"{c} BETWEEN {lit()} AND {lit()}"
        if way == 4 and kind == "TEXT":
            return self.pattern(c, column)
        if way == 5:
            return f"NOT ({c} = {lit()})"
        if way == 6:
            return f"{c} = {lit()} COLLATE {r.choice(['NOCASE', 'RTRIM', 'BINARY'])}"
        if way == 7:
            return f"{c} {r.choice(['<', '<=', '>', '>='])} {lit()}"
        if way == 8:
            return f"{c} = NULL"
        if way == 9:
            return f"{c} IS {r.choice(['', 'NOT ', 'NOT DISTINCT FROM ', 'DISTINCT FROM '])}{lit()}"
        if way == 10:
            return f"{c} IN (VALUES {', '.join('(' + lit() + ')' for _ in range(r.randrange(1, 4)))})"
        if way == 11:
            return self.row_values()
        if way == 12:
            other, ok = r.choice(self.columns)
            return f'{c} {r.choice(["=", "<", "IS"])} {self.alias}"{other}"' + r.choice(["", "", " COLLATE NOCASE"])
        if way == 13:
            return f'{c} COLLATE {r.choice(["NOCASE", "RTRIM"])} {r.choice(["=", "<", ">="])} {lit()}'
        if way == 14:
            return self.of_rowid()
        if way == 15:
            other = r.choice([t for t in self.d.tables if t != "event"] or [self.table])
            oc = r.choice([x for x, _ in self.d.tables[other] if x == column] or [x for x, _ in self.d.tables[other]])
            return f'{c} IN (SELECT "{oc}" FROM {table(other)} WHERE "run" = {self.literal(other, "run", "INTEGER")})'
        if way == 16:
            return r.choice([f"CASE WHEN {c} = {lit()} THEN 1 ELSE {c} > {lit()} END", f"likely({c} = {lit()})", f"coalesce({c}, 0) = {lit()}",
                             f"({c} = {lit()}) = 1", f"iif({c} IS NULL, 1, {c} < {lit()})", f"{lit()} = {c}", f"{lit()} < {c}"])
        return f"{c} = {lit()}"

    def pattern(self, c, column):
        r, v = self.r, self.text(column)
        i = r.randrange(len(v) + 1)
        cut = v[i:i + r.randrange(1, 8)]
        escaped = re.sub(r"([!%_])", r"!\1", cut)
        q = lambda s: quoted(s)
        return r.choice([f"{c} LIKE {q('%' + cut + '%')}", f"{c} GLOB {q('*' + cut + '*')}", f"instr({c}, {q(cut)})", f"instr({c}, {q(cut)}) > 0",
                         f"{c} LIKE {q(v[:i] + '%')}", f"{c} LIKE {q('%' + escaped + '%')} ESCAPE '!'", f"{c} NOT LIKE {q(v[:i] + '_%')}",
                         f"{c} GLOB {q(v[:i] + '[^ ]*')}", f"{c} LIKE {q(v.upper())}", f"{c} GLOB {q(v[:i] + '?*')}", f"{c} NOT GLOB {q('*' + cut)}",
                         f"like({q(v[:i] + '%')}, {c})", f"{c} LIKE {self.parameter('%' + cut + '%')}"])

    def row_values(self):
        r = self.r
        some = r.sample(self.columns, min(len(self.columns), r.choice([2, 2, 3])))
        names = ", ".join(f'{self.alias}"{c}"' for c, _ in some)
        row = lambda: "(" + ", ".join(self.literal(self.table, c, k) for c, k in some) + ")"
        return r.choice([f"({names}) = {row()}", f"({names}) {r.choice(['<', '>=', '>'])} {row()}", f"({names}) IN (VALUES {row()}, {row()})", f"({names}) IS {row()}"])

    def of_rowid(self):
        r = self.r
        some = [str(r.choice(self.d.rowids[self.table])) for _ in range(3)]
        c = f"{self.alias}rowid"
        return r.choice([f"{c} = {some[0]}", f"{c} IN ({', '.join(some)})", f"{c} % {r.choice([2, 7, 100])} = 0", f"{c} > {some[0]}"])

    def special(self):
        """What the table event alone has."""
        r, a = self.r, self.alias
        raw = self.value("event", "raw").decode("utf-8", "replace")
        try:
            fields = json.loads(raw).get("fields", {})
        except ValueError:
            fields = {}
        name, v = r.choice([(k, v) for k, v in fields.items() if k.strip("=<>!")] or [("tid", "x")])
        way = r.randrange(5)
        if way == 4:
            text = self.value("event", "fields")
            text = text.decode("utf-8", "replace") if text else "x"
            i = r.randrange(len(text) + 1)
            cut = quoted(text[i:i + r.randrange(0, 12)])
            return r.choice([f"instr({a}fields, {cut})", f"instr({a}fields, {cut})", f"instr({a}fields, {cut}) > 5", f"instr({a}fields, {cut}) > 0",
                             f"0 < instr({a}fields, {cut})", f"instr({a}fields, {cut}) {r.choice(['>=', '<', '<=', '=', '<>'])} {r.choice([0, 1])}",
                             f"NOT instr({a}fields, {cut})"])
        if way == 0:
            text = str(v).replace("\0", "")
            i = r.randrange(len(text) + 1)
            return match(a, text[i:i + r.randrange(1, 9)] or "q")
        if way == 1:
            return f"has({a}event, {quoted((name + r.choice(['=', '<', '>', '<=', '!=']) + str(v)))})"
        if way == 2:
            return f"has({a}event, {quoted(name)})"
        return f"field({a}event, {quoted(name)}) {r.choice(['=', '>', '<', 'IS'])} {quoted(str(v) if not isinstance(v, (int, float)) else v)}"

    def where(self):
        r = self.r
        parts = [self.predicate() for _ in range(r.choice([1, 1, 2]))]
        if self.table == "event" and r.random() < 0.15:
            parts.append(self.special())
        return "" if r.random() < 0.12 else " WHERE " + " AND ".join(parts)

    # ---- statements ----

    def keys(self, most=3):
        plainly = [c for c, _ in self.columns if c not in ("raw", "fields", "spans", "span", "offset", "id")] or ["run"]
        return self.r.sample(plainly, min(len(plainly), self.r.choice([1, 1, 2, 3][:most + 1])))

    def order(self, n):
        """By all n columns that are shown: rows that are alike in them are alike."""
        r = self.r
        numbers = r.sample(range(1, n + 1), n)
        return " ORDER BY " + ", ".join(str(i) + r.choice(["", " DESC", "", " DESC NULLS LAST", " NULLS FIRST"]) for i in numbers) + \
            r.choice(["", f" LIMIT {r.randrange(50)}", f" LIMIT {r.randrange(50)} OFFSET {r.randrange(30)}", " LIMIT -1 OFFSET 3"])

    def few(self, name, most=20):
        """Some rows of a plain copy, the same in both."""
        return f"(SELECT * FROM p_{name} WHERE rowid % 97 = {self.r.randrange(97)} LIMIT {most})"

    def pair(self, left, right):
        """A condition on a row of one table, a, and one of another, b."""
        r = self.r
        names = {c for c, _ in self.d.tables[left]}
        both = [c for c, _ in self.d.tables[right] if c in names]
        c = r.choice([k for k in ("tid", "run", "source", "worker", "level", "name") if k in both] or both)
        x, y = f'a."{c}"', f'b."{c}"'
        if r.random() < 0.15:
            x = f'a."{r.choice(sorted(names - {"raw", "fields", "spans"}))}"'
        how = [f"{x} = {y}", f"{y} = {x}", f"{x} IS {y}", f"{y} = {x} || ''", f"{y} = {x} COLLATE NOCASE", f"{y} > {x}", f"{y} BETWEEN {x} AND {x}",
               f"{y} = +{x}", f"{y} = CAST({x} AS TEXT)", f"{y} = CAST({x} AS INTEGER)", f"{y} LIKE {x}", f"{y} LIKE {x} || '%'", f"{x} = {y} AND a.run = b.run",
               f"({y}, b.run) = ({x}, a.run)", f"{y} IN ({x}, 1)", f"b.rowid = {r.choice(self.d.rowids[right])} AND {x} = {y}"]
        if right == "event":
            how += [f"instr(b.fields, {x})", f"has(b.event, 'tid=' || {x})", f"instr(b.fields, {x}) > 0", f"field(b.event, 'tid') = {x}"]
        return r.choice(how)

    def others(self):
        return [t for t in self.d.tables if t != "event"] or list(self.d.tables)

    def joined(self):
        r = self.r
        left = r.choice(self.others())
        right = self.table
        self.choose(right, "b")
        on = self.pair(left, right) + (f" AND {self.predicate(1)}" if r.random() < 0.4 else "")
        where = r.choice(["", "", f" WHERE {self.predicate(1)}", " WHERE b.run IS NULL", " WHERE a.run IS NOT NULL"])
        join = r.choice(["JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"])
        tables = [f"{self.few(left)} a", f"{self.named(right)} b"]
        if r.random() < 0.3:
            tables.reverse()
        x, y = r.choice(self.d.tables[left])[0], r.choice(self.keys())
        return Question(f'SELECT a."{x}", b."{y}", count(*), sum(b.run) FROM {tables[0]} {join} {tables[1]} ON {on}{where} GROUP BY 1, 2')

    def joined_to_itself(self):
        """Both are virtual, and the second is looked into for each row of the first."""
        r, left, right = self.r, self.table, self.r.choice([self.table] + self.others())
        self.choose(left, "a")
        c, kind = r.choice([(c, k) for c, k in self.columns if c in ("tid", "name", "run", "source", "worker")] or self.columns)
        few = f'a."{c}" = {self.literal(left, c, kind)} AND a.rowid % {r.choice([31, 97])} = {r.randrange(31)}'
        condition = self.pair(left, right)
        self.choose(right, "b")
        y = r.choice(self.keys())
        return Question(f'SELECT a."{c}", b."{y}", count(*) FROM {table(left)} a {r.choice(["JOIN", "CROSS JOIN", "LEFT JOIN"])} {table(right)} b ON {condition} '
                        f'WHERE {few} GROUP BY 1, 2')

    def named(self, name):
        return table(name, self.r.random() < 0.15)

    def windowed(self):
        r = self.r
        keys = (self.keys() * 2)[:2]
        a, b = f'"{keys[0]}"', f'"{keys[1]}"'
        over = r.choice([f"PARTITION BY {a} ORDER BY {b}", f"ORDER BY {a}, {b}", f"PARTITION BY {a}, {b}", f"PARTITION BY {b} ORDER BY {a} DESC",
                         f"PARTITION BY {a} ORDER BY {b} ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", f"ORDER BY {b}, {a} GROUPS 1 PRECEDING",
                         f"PARTITION BY {a} ORDER BY {b} RANGE UNBOUNDED PRECEDING EXCLUDE TIES"])
        f = r.choice(["count(*)", "rank()", "dense_rank()", f"first_value({b})", f"last_value({b})", f"lag({b})", "sum(run)", f"min({b})", "ntile(3)", "count(*) FILTER (WHERE run = 1)",
                      "total(run)", "avg(run)", f"nth_value({a}, 2)"])
        if "ORDER" in over and f in ("ntile(3)", "count(*)", "sum(run)", f"lag({b})") or "ROWS" in over:
            over = over.replace(f"ORDER BY {b}", f"ORDER BY {b}, rowid").replace(f"ORDER BY {a} DESC", f"ORDER BY {a} DESC, rowid").replace(f"ORDER BY {a}, {b}", f"ORDER BY {a}, {b}, rowid")
        elif f in ("ntile(3)", f"lag({b})", f"first_value({b})", f"last_value({b})", f"nth_value({a}, 2)"):
            f = "count(*)"
        return Question(f"SELECT {a}, {b}, {f} OVER ({over}) FROM {self.named(self.table)} WHERE {self.predicate()}")

    def correlated(self):
        r, outer, inner = self.r, self.r.choice(self.others()), self.table
        condition = self.pair(outer, inner)
        self.choose(inner, "b")
        also = r.choice(["", f" AND {self.predicate(1)}"])
        x = r.choice(self.d.tables[outer])[0]
        c = r.choice(self.keys())
        few = f"{self.few(outer, 6)} a"
        sub = f"FROM {self.named(inner)} b WHERE {condition}{also}"
        return Question(r.choice([
            f'SELECT a."{x}", (SELECT count(*) {sub}) FROM {few}',
            f'SELECT a."{x}", (SELECT max(b."{c}") {sub}) FROM {few}',
            f'SELECT a."{x}", (SELECT b."{c}" {sub} ORDER BY b."{c}" DESC LIMIT 1) FROM {few}',
            f'SELECT a."{x}", (SELECT count(DISTINCT b."{c}") {sub}) FROM {few}',
            f'SELECT a."{x}" FROM {few} WHERE {r.choice(["", "NOT "])}EXISTS (SELECT 1 {sub})',
            f'SELECT a."{x}" FROM {few} WHERE a."{x}" {r.choice(["", "NOT "])}IN (SELECT b."{c}" {sub})']))

    def compound(self):
        r, keys = self.r, self.keys()
        names = ", ".join(f'"{k}"' for k in keys)
        parts = [f"SELECT {r.choice(['', 'DISTINCT '])}{names} FROM {self.named(self.table)} WHERE {self.predicate(1)}" for _ in range(r.choice([2, 2, 3]))]
        sql = parts[0]
        for p in parts[1:]:
            sql += r.choice([" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT "]) + p
        ordered = r.random() < 0.5
        return Question(sql + (self.order(len(keys)) if ordered else ""), ordered=ordered)

    def distinct(self):
        keys = self.keys()
        names = ", ".join(f'"{k}"' for k in keys)
        return Question(f"SELECT DISTINCT {names} FROM {self.named(self.table)} WHERE {self.predicate()}{self.order(len(keys))}", ordered=True)

    def grouped(self):
        r, keys = self.r, self.keys()
        names = ", ".join(f'"{k}"' for k in keys)
        some = r.choice(self.columns)[0]
        what = r.choice(["count(*)", f'count("{some}"), count(*) FILTER (WHERE {self.predicate(0)})', f'max("{some}")', "min(rowid), max(rowid)", f'count(DISTINCT "{some}")',
                         f'sum(typeof("{some}") = \'text\')', f'min("{some}" COLLATE NOCASE) IS NULL', "sum(rowid % 7)"])
        having = r.choice(["", "", " HAVING count(*) > 2", f' HAVING max("{some}") IS NOT NULL'])
        by = r.choice([names, names, f"{names}, 1", f'"{keys[0]}" COLLATE NOCASE', f'substr("{keys[0]}", 1, 4)', f'"{keys[-1]}" || \'\''])
        shown = names if by.startswith(names) else f"upper({by.replace('COLLATE NOCASE', '')})"
        where = r.choice(["", f" WHERE {self.predicate()}"])
        return Question(f"SELECT {shown}, {what} FROM {self.named(self.table)}{where} GROUP BY {by}{having}" + r.choice(["", " ORDER BY 1", " ORDER BY 1 DESC", " ORDER BY count(*)"]))

    def common(self):
        r, keys = self.r, self.keys()
        names = ", ".join(f'"{k}"' for k in keys)
        kind = r.choice(["", "MATERIALIZED", "NOT MATERIALIZED"])
        inside = self.predicate(1)
        self.choose(self.table, "c")
        few = [f'c."{k}" = {self.literal(self.table, k, "")}' for k in keys[:1]]
        columns = ", ".join(f'"{c}"' for c, _ in self.columns)
        return Question(r.choice([
            f"WITH c AS {kind} (SELECT {columns} FROM {table(self.table)} WHERE {inside}) SELECT {names}, count(*) FROM c WHERE {few[0]} GROUP BY {names}",
            f"WITH c AS {kind} (SELECT DISTINCT {names} FROM {table(self.table)} WHERE {inside}) SELECT x.\"{keys[0]}\", count(*) FROM c x LEFT JOIN c y USING ({names}) GROUP BY 1",
            f"WITH c AS {kind} (SELECT {names}, count(*) n FROM {table(self.table)} GROUP BY {names}) SELECT * FROM c WHERE {few[0]} OR n > 3",
            f"WITH c AS {kind} (SELECT {names} FROM {table(self.table)} WHERE {inside} ORDER BY {names} LIMIT 20) SELECT count(*), count(\"{keys[0]}\") FROM c",
            f"SELECT {names} FROM {table(self.table)} c {r.choice(['NOT INDEXED ', ''])}WHERE {few[0]}"]))

    def recursive(self):
        r, c = self.r, self.r.choice(self.keys())
        n = r.randrange(3, 8)
        self.choose(self.table, "b")
        return Question(r.choice([
            f'WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < {n}) SELECT i, (SELECT count(*) FROM {table(self.table)} b WHERE b.run = i) FROM n',
            f'WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < {n}) SELECT i, b."{c}", count(*) FROM n LEFT JOIN {table(self.table)} b ON b.run = i AND {self.predicate(1)} GROUP BY 1, 2',
            f'WITH RECURSIVE w(x) AS (SELECT min("{c}") FROM {table(self.table)} UNION ALL SELECT (SELECT min(b."{c}") FROM {table(self.table)} b WHERE b."{c}" > w.x) FROM w WHERE w.x IS NOT NULL LIMIT {n}) SELECT x FROM w']))

    def changed(self):
        """Statements that write, into a temporary table."""
        r, left = self.r, self.r.choice(self.others())
        pair = self.pair(left, self.table)
        self.choose(self.table, "b")
        few = f"CREATE TEMP TABLE a AS SELECT *, 0 AS mark FROM {self.few(left, 8)}"
        sub = f"{table(self.table)} b"
        condition = f"{pair} AND {self.predicate(1)}"
        change = r.choice([f"UPDATE a SET mark = 1 FROM {sub} WHERE {condition}", f"DELETE FROM a WHERE EXISTS (SELECT 1 FROM {sub} WHERE {condition})",
                           f"UPDATE a SET mark = (SELECT count(*) FROM {sub} WHERE {condition})", f"INSERT INTO a(run, mark) SELECT b.run, 2 FROM {sub} WHERE {self.predicate()}"])
        return Question("SELECT * FROM a", before=["DROP TABLE IF EXISTS temp.a", few, change])

    def make(self):
        r = self.r
        kinds = [self.joined, self.joined_to_itself, self.windowed, self.correlated, self.compound, self.distinct, self.grouped, self.grouped, self.common, self.recursive, self.changed]
        q = r.choice(kinds)() if r.random() < 0.6 else self.simple()
        used = q.virtual + " ".join(v for v, _ in q.before)
        # as the command does it, and as the extension, which does not know
        q.looks_twice = "LEFT" in used or r.random() < 0.3
        q.parameters = {k: v for k, v in self.parameters.items() if f":{k}" in used}
        return q

    def simple(self):
        r = self.r
        keys = self.keys()
        names = ", ".join(f'"{k}"' for k in keys)
        some = r.choice(self.columns)[0]
        tail, ordered = "", False
        way = r.randrange(8)
        if way == 0:
            select = "count(*)"
        elif way <= 2:
            select = names + ", " + r.choice(["count(*)", f'count("{some}")', f'min("{some}"), max("{some}")', f'count(DISTINCT "{some}")', "sum(run)"])
            tail = f" GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}" + r.choice(["", " HAVING count(*) > 1"])
        elif way == 3:
            select = f"DISTINCT {names}"
        elif way == 4:
            select = names
            ordered = True
            tail = self.order(len(keys))
        elif way == 5:
            select = f'min("{some}"), max("{some}"), count("{some}")'
        elif way == 6 and self.table == "event":
            select = "second, level, count(*)"
            tail = " GROUP BY " + r.choice(["1, 2", "2, 1", "level, second"])
        else:
            select = ", ".join(f'"{c}"' for c in [some] + keys)
        return Question(f"SELECT {select} FROM {table(self.table)}{self.where()}{tail}", ordered)
