"""Cases: what is done to the server, and the connectors that watch it. One file cases/NAME.sql each.

    --: what ...                                what the case shows
    --: variant NAME [key=value ...]            one connector; several watch the same rows. Values may be quoted as in a shell.
    --: until snapshot                          the connectors of this case do not stream
    --: marker insert|update                    the change that ends the case (insert); for variants that skip inserts
    --: database NAME                           the following statements run there (one named like the case, to begin with)
    --: capture TABLE [COLUMN,...] [as NAME]    sp_cdc_enable_table
    --: stream                                  the connectors have started and taken their snapshots by now
    --: transaction                             the statements up to the next line of this kind commit together
    --: settle                                  the connectors have delivered everything by now

Statements end with a semicolon at the end of a line. Outside of a transaction each commits on its own. Every database has a table
dbo.zz_marker with one row; a further row at the end tells that everything before it has been seen.
"""

import dataclasses
import os
import re
import shlex

MARKER = "zz_marker"


@dataclasses.dataclass
class Step:
    kind: str  # "transaction" or "settle"
    database: str = ""
    statements: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Case:
    name: str
    what: str = ""
    variants: dict = dataclasses.field(default_factory=dict)  # {name: {key: value}}
    databases: list = dataclasses.field(default_factory=list)
    setup: list = dataclasses.field(default_factory=list)  # steps before the connectors start
    steps: list = dataclasses.field(default_factory=list)
    streams: bool = True
    marker: str = "insert"

    def prefix(self, variant):
        """Topic prefix and connector name."""
        return f"{self.name}-{variant}"


class Bad(Exception):
    """A case file that says something unknown."""


def enable(words):
    """The call that `--: capture` stands for."""
    table, rest = words[0], words[1:]
    schema, _, name = table.partition(".")
    instance = ""
    if len(rest) >= 2 and rest[-2] == "as":
        instance, rest = f", @capture_instance = N'{rest[-1]}'", rest[:-2]
    columns = f", @captured_column_list = N'{rest[0]}'" if rest else ""
    quoted = name.replace("'", "''")
    return f"EXEC sys.sp_cdc_enable_table @source_schema = N'{schema}', @source_name = N'{quoted}', @role_name = NULL{instance}{columns}"


class Reader:
    def __init__(self, name):
        self.case = Case(name, databases=[name])
        self.database, self.streaming, self.together = name, False, None

    def add(self, statement):
        if self.together is not None:
            self.together.statements.append(statement)
        else:
            self.put(Step("transaction", self.database, [statement]))

    def put(self, step):
        (self.case.steps if self.streaming else self.case.setup).append(step)
        return step

    def directive(self, words):
        word, rest = words[0], words[1:]
        self.together = None
        if word == "what":
            self.case.what = " ".join(rest)
        elif word == "variant":
            self.case.variants[rest[0]] = dict(r.split("=", 1) for r in rest[1:])
        elif word == "until":
            self.case.streams = False
        elif word == "marker":
            self.case.marker = rest[0]
        elif word == "database":
            self.database = rest[0]
            if self.database not in self.case.databases:
                self.case.databases.append(self.database)
        elif word == "capture":
            self.add(enable(rest))
        elif word == "stream":
            self.streaming = True
        elif word == "transaction":
            self.together = self.put(Step("transaction", self.database))
        elif word == "settle":
            self.put(Step("settle"))
        else:
            raise Bad(f"{self.case.name}: unknown line '--: {word}'")


def read(path):
    reader = Reader(os.path.basename(path).removesuffix(".sql"))
    pending = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            line = line.rstrip("\n")
            if line.startswith("--: "):
                text = line[4:]
                reader.directive(text.split() if text.startswith("what ") else shlex.split(text))
            elif line.strip() and not line.startswith("--"):
                pending.append(line)
                if line.endswith(";"):
                    reader.add("\n".join(pending)[:-1])
                    pending = []
    if pending or not reader.case.variants:
        raise Bad(f"{reader.case.name}: {'the last statement has no end' if pending else 'there is no variant'}")
    return reader.case


def read_all(directory, patterns=()):
    """Cases whose name contains one of the patterns; all without."""
    names = sorted(n for n in os.listdir(directory) if re.fullmatch(r"[a-z0-9_]+\.sql", n))
    return [read(os.path.join(directory, n)) for n in names if not patterns or any(p in n for p in patterns)]
