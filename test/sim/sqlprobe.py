"""Statements through python-tds with everything a driver hides: types as declared, number, class and state of each message."""

import datetime
import decimal
import uuid

import pytds

from sim import PASSWORD

SIZED = {0x26: {1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"}, 0x68: {1: "bit"}, 0x6D: {4: "real", 8: "float"},
         0x6E: {4: "smallmoney", 8: "money"}, 0x6F: {4: "smalldatetime", 8: "datetime"}}
FIXED = {0x30: "tinyint", 0x32: "bit", 0x34: "smallint", 0x38: "int", 0x3A: "smalldatetime", 0x3B: "real", 0x3C: "money", 0x3D: "datetime",
         0x3E: "float", 0x7A: "smallmoney", 0x7F: "bigint", 0x22: "image", 0x23: "text", 0x63: "ntext", 0x24: "uniqueidentifier", 0x28: "date",
         0x62: "sql_variant", 0xF1: "xml"}
SCALED = {0x29: "time", 0x2A: "datetime2", 0x2B: "datetimeoffset"}
STRINGS = {0xA7: "varchar", 0xAF: "char", 0xE7: "nvarchar", 0xEF: "nchar", 0xA5: "varbinary", 0xAD: "binary"}


def declaration(type_id, serializer):
    """The type of a result column as SQL, e.g. nvarchar(128)."""
    if type_id in FIXED:
        return FIXED[type_id]
    if type_id in SIZED:
        return SIZED[type_id][serializer.size]
    if type_id in SCALED:
        return f"{SCALED[type_id]}({serializer._typ.precision})"
    if type_id in (0x6A, 0x6C):
        return f"{'decimal' if type_id == 0x6A else 'numeric'}({serializer.precision},{serializer.scale})"
    name = STRINGS[type_id]
    return f"{name}({'max' if serializer.size <= 0 else int(serializer.size)})"


class _Factory:
    """Stands before the driver's type factory and notes the type of each column."""

    def __init__(self, inner):
        self.inner = inner
        self.ids = []

    def get_type_serializer(self, type_id):
        self.ids.append(type_id)
        return self.inner.get_type_serializer(type_id)

    def __getattr__(self, name):
        return getattr(self.inner, name)


def shown(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return "0x" + value.hex().upper()
    if isinstance(value, uuid.UUID):
        return str(value).upper()
    if isinstance(value, (bool, int, float, decimal.Decimal)):
        return str(int(value)) if isinstance(value, bool) else str(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return str(value)
    return repr(value)


class Reply:
    """sets: [(["name type", ...], [(text, ...), ...])]; errors and infos: [(number, class, state, text)]."""

    def __init__(self):
        self.sets, self.errors, self.infos = [], [], []

    @property
    def rows(self):
        assert not self.errors, self.errors
        assert len(self.sets) == 1, f"{len(self.sets)} result sets"
        return self.sets[0][1]

    @property
    def columns(self):
        assert not self.errors, self.errors
        assert self.sets, "no result set"
        return self.sets[0][0]

    @property
    def value(self):
        assert len(self.rows) == 1 and len(self.rows[0]) == 1, self.rows
        return self.rows[0][0]


class Probe:
    """One connection in autocommit mode."""

    def __init__(self, sim, database="master", user="sa", password=PASSWORD):
        self.conn = pytds.connect(server="127.0.0.1", port=sim.port, user=user, password=password, database=database, autocommit=True,
                                  login_timeout=10, timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.conn.close()

    def run(self, sql, params=()):
        """Every result of a batch. The driver stops reading at the first error, so does this."""
        reply = Reply()
        cursor = self.conn.cursor()
        session = cursor._session
        if not isinstance(session._tds.type_factory, _Factory):
            session._tds.type_factory = _Factory(session._tds.type_factory)
        factory = session._tds.type_factory
        factory.ids.clear()
        heard = session.messages = _Heard()
        try:
            cursor.execute(sql, tuple(params)) if params else cursor.execute(sql)
            while True:
                heard.collect(session)
                if cursor.description:
                    columns = session.res_info.columns
                    kinds = factory.ids[-len(columns):]
                    names = [f"{c.column_name} {declaration(k, c.serializer)}" for c, k in zip(columns, kinds)]
                    reply.sets.append((names, [tuple(shown(v) for v in row) for row in cursor.fetchall()]))
                heard.collect(session)
                if not cursor.nextset():
                    break
        except pytds.Error as e:
            heard.collect(session)
            number = getattr(e, "number", None)
            if number is None:
                raise
            reply.errors.append((number, e.severity, e.state, e.text))
        heard.collect(session)
        cursor.close()
        for m in heard.all:
            if m["msgno"] != 5701 and m["priv_msg_type"] == 0:
                reply.infos.append((m["msgno"], m["severity"], m["state"], m["message"]))
            elif m["priv_msg_type"] == 1 and (m["msgno"], m["severity"], m["state"], m["message"]) not in reply.errors:
                reply.errors.insert(0, (m["msgno"], m["severity"], m["state"], m["message"]))
        return reply

    def ok(self, sql, params=()):
        """Must succeed. @return the reply"""
        reply = self.run(sql, params)
        assert not reply.errors, f"{sql[:200]}: {reply.errors}"
        return reply


class _Heard(list):
    """Messages of the whole batch; the driver empties its own list between results."""

    def __init__(self):
        super().__init__()
        self.all = []

    def collect(self, session):
        for m in session.messages:
            if not any(m is seen for seen in self.all):
                self.all.append(m)
