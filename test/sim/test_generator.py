"""Generator tables: every row follows from its index."""

import pymssql

from sim import PASSWORD

DATABASE = "gendb"
OPS, PER_TX = 1000, 7
COLUMNS = "[__$start_lsn], [__$seqval], [__$operation], [__$update_mask], [id], [name]"


def connect(sim, database="master"):
    return pymssql.connect(server="127.0.0.1", port=str(sim.port), user="sa", password=PASSWORD, database=database, autocommit=True)


def prepared(sim):
    """A connection to a database with the generator dbo.gen."""
    with connect(sim) as c:
        c.cursor().execute(f"IF DB_ID('{DATABASE}') IS NULL CREATE DATABASE {DATABASE}")
    conn = connect(sim, DATABASE)
    cursor = conn.cursor()
    cursor.execute("IF OBJECT_ID('dbo.gen', 'U') IS NULL BEGIN EXEC sys.sp_cdc_enable_db; "
                   f"EXEC sim.gen_create @table = 'dbo.gen', @total = {OPS}, @rows_per_tx = {PER_TX}, @snapshot = 50 END")
    return cursor


def rows(cursor, sql):
    cursor.execute(sql)
    return cursor.fetchall()


def test_rows_follow_their_arithmetic(sim):
    cursor = prepared(sim)
    got = rows(cursor, f"SELECT {COLUMNS} FROM cdc.dbo_gen_CT")
    assert len(got) == OPS // 100 * 125, "70 inserts, 25 updates of two images and 5 deletes in 100 operations"
    positions = [(bytes(r[0]), bytes(r[1]), r[2]) for r in got]
    assert positions == sorted(positions) and len(set(positions)) == len(positions)
    assert len({p[0] for p in positions}) == (OPS + PER_TX - 1) // PER_TX
    assert all(seqval < lsn for lsn, seqval, _ in positions)
    alive = set()
    for _, _, operation, mask, key, name in got:
        assert name == "Generated Customer"
        assert bytes(mask) == (b"\x1f" if operation < 3 else b"\x10")
        if operation == 2:
            assert key not in alive
            alive.add(key)
        else:
            assert key in alive, (operation, key)
            if operation == 1:
                alive.remove(key)
    assert len(alive) == OPS // 100 * 65


def test_ranges_can_be_resumed_anywhere(sim):
    cursor = prepared(sim)
    whole = rows(cursor, f"SELECT {COLUMNS} FROM cdc.dbo_gen_CT")
    for at in (0, 1, 6, 7, 500, len(whole) - 1):
        lsn, seqval, operation = "0x" + bytes(whole[at][0]).hex(), "0x" + bytes(whole[at][1]).hex(), whole[at][2]
        rest = rows(cursor, f"SELECT {COLUMNS} FROM cdc.dbo_gen_CT WHERE ([__$start_lsn] = {lsn} AND [__$seqval] = {seqval} AND "
                            f"[__$operation] > {operation}) OR ([__$start_lsn] = {lsn} AND [__$seqval] > {seqval}) OR ([__$start_lsn] > {lsn})")
        assert rest == whole[at + 1:], at
        same = rows(cursor, f"SELECT TOP (3) {COLUMNS} FROM cdc.dbo_gen_CT WHERE [__$start_lsn] >= {lsn} AND [__$start_lsn] <= {lsn}")
        assert same == [r for r in whole if r[0] == whole[at][0]][:3]


def test_catalogue_and_limits_agree(sim):
    cursor = prepared(sim)
    last = rows(cursor, "SELECT MAX([__$start_lsn]) FROM cdc.dbo_gen_CT")[0][0]
    assert rows(cursor, "SELECT sys.fn_cdc_get_max_lsn()")[0][0] == last
    assert rows(cursor, "SELECT sys.fn_cdc_get_min_lsn('dbo_gen')")[0][0] < last
    assert [r[0] for r in rows(cursor, "SELECT capture_instance FROM cdc.change_tables")] == ["dbo_gen"]
    assert [r[0] for r in rows(cursor, "SELECT id FROM dbo.gen")] == list(range(1, 51))
    assert rows(cursor, "SELECT COUNT(*) FROM cdc.dbo_gen_CT")[0][0] == OPS // 100 * 125


def test_change_function(sim):
    cursor = prepared(sim)
    sql = ("SELECT [__$operation] FROM cdc.fn_cdc_get_all_changes_dbo_gen(sys.fn_cdc_get_min_lsn('dbo_gen'), sys.fn_cdc_get_max_lsn(), N'{}')")
    assert len(rows(cursor, sql.format("all update old"))) == OPS // 100 * 125
    assert 3 not in {r[0] for r in rows(cursor, sql.format("all"))}
