"""Changes of rows: MERGE, OUTPUT, keys that move over each other, what foreign keys do to their children."""

from sqlprobe import Probe
from test_sql import fresh


def start(probe):
    fresh(probe, "sqlchanges")
    probe.ok("CREATE TABLE t (id int PRIMARY KEY, n nvarchar(10), v int DEFAULT 5); INSERT t VALUES (1, N'a', 1), (2, N'b', 2), (3, N'c', 3);"
             " CREATE TABLE s (id int, n nvarchar(10)); INSERT s VALUES (2, N'B'), (3, N'x'), (4, N'D'), (5, N'E')")


def check(probe, cases):
    wrong = [f"{sql}: {got}" for sql, want in cases.items() if (got := probe.run(sql).errors) != [want]]
    assert not wrong, "\n".join(wrong)


def test_merge(sim):
    with Probe(sim) as p:
        start(p)
        reply = p.ok("""
            MERGE INTO t WITH (HOLDLOCK) AS tgt USING s AS src ON tgt.id = src.id
            WHEN MATCHED AND src.n = N'x' THEN DELETE
            WHEN MATCHED THEN UPDATE SET tgt.n = src.n, v += 10
            WHEN NOT MATCHED BY TARGET AND src.id < 5 THEN INSERT (id, n) VALUES (src.id, src.n)
            WHEN NOT MATCHED BY SOURCE THEN UPDATE SET n = N'gone'
            OUTPUT $action, inserted.id, deleted.id;""")
        assert reply.columns == ["$action nvarchar(10)", "id int", "id int"], reply.columns
        assert sorted(reply.rows) == [("DELETE", None, "3"), ("INSERT", "4", None), ("UPDATE", "1", "1"), ("UPDATE", "2", "2")], reply.rows
        assert p.ok("SELECT * FROM t ORDER BY id").rows == [("1", "gone", "1"), ("2", "B", "12"), ("4", "D", "5")]
        reply = p.ok("MERGE t USING (VALUES (1, N'v'), (9, N'w')) AS src (id, n) ON t.id = src.id WHEN NOT MATCHED THEN INSERT VALUES (src.id, src.n, DEFAULT); SELECT @@ROWCOUNT")
        assert reply.value == "1"
        check(p, {
            "MERGE t USING s ON t.id = s.id WHEN MATCHED THEN DELETE": (10713, 15, 1, "A MERGE statement must be terminated by a semi-colon (;)."),
            "MERGE t USING (SELECT 1 AS id UNION ALL SELECT 1) AS d ON t.id = d.id WHEN MATCHED THEN UPDATE SET v = 0;": (8672, 16, 1, "The MERGE statement attempted to UPDATE or DELETE the same row more than once. This happens when a target row matches more than one source row. A MERGE statement cannot UPDATE/DELETE the same row of the target table multiple times. Refine the ON clause to ensure a target row matches at most one source row, or use the GROUP BY clause to group the source rows."),
            "MERGE nosuch USING s ON 1 = 1 WHEN MATCHED THEN DELETE;": (208, 16, 1, "Invalid object name 'nosuch'."),
            "MERGE t USING s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (NULL);": (515, 16, 2, "Cannot insert the value NULL into column 'id', table 'sqlchanges.dbo.t'; column does not allow nulls. MERGE fails."),
        })


def test_output(sim):
    with Probe(sim) as p:
        start(p)
        reply = p.ok("INSERT t (id) OUTPUT inserted.id, inserted.v * 2 AS twice, inserted.* VALUES (20), (21)")
        assert reply.sets == [(["id int", "twice int", "id int", "n nvarchar(10)", "v int"], [("20", "10", "20", None, "5"), ("21", "10", "21", None, "5")])], reply.sets
        assert p.ok("UPDATE t SET v = v + 1 OUTPUT deleted.v, inserted.v WHERE id = 3").rows == [("3", "4")]
        reply = p.ok("DECLARE @o TABLE (id int, n nvarchar(10)); DELETE t OUTPUT deleted.n, deleted.id INTO @o (n, id) WHERE id < 3; SELECT * FROM @o ORDER BY id")
        assert reply.sets[-1][1] == [("1", "a"), ("2", "b")], reply.sets
        reply = p.ok("CREATE TABLE #o (id int); INSERT INTO t (id, n) OUTPUT inserted.id INTO #o SELECT id + 100, n FROM s; SELECT COUNT(*), MIN(id) FROM #o")
        assert reply.sets[-1][1] == [("4", "102")], reply.sets
        check(p, {
            "DELETE t OUTPUT deleted.nosuch": (207, 16, 1, "Invalid column name 'nosuch'."),
            "DELETE t OUTPUT other.id": (4104, 16, 1, 'The multi-part identifier "other.id" could not be bound.'),
            "DELETE t OUTPUT deleted.id INTO nosuch": (208, 16, 1, "Invalid object name 'nosuch'."),
            "DECLARE @o TABLE (id int, n int); DELETE t OUTPUT deleted.id INTO @o": (213, 16, 1, "Column name or number of supplied values does not match table definition."),
        })
        assert p.ok("SELECT COUNT(*) FROM t").value == "7", "a failed OUTPUT has kept its change"


def test_keys_move_over_each_other(sim):
    with Probe(sim) as p:
        start(p)
        p.ok("UPDATE t SET id = id + 1")
        assert p.ok("SELECT id, n FROM t ORDER BY id").rows == [("2", "a"), ("3", "b"), ("4", "c")]
        p.ok("UPDATE t SET id = 6 - id")
        assert p.ok("SELECT id, n FROM t ORDER BY id").rows == [("2", "c"), ("3", "b"), ("4", "a")]
        assert p.run("UPDATE t SET id = 2").errors[0][0] == 2627
        assert p.ok("SELECT id, n FROM t ORDER BY id").rows == [("2", "c"), ("3", "b"), ("4", "a")], "the failed statement left traces"


def test_referential_actions(sim):
    with Probe(sim) as p:
        fresh(p, "sqlchanges")
        p.ok("CREATE TABLE p (id int PRIMARY KEY); INSERT p VALUES (1), (2), (9);"
             " CREATE TABLE a (id int PRIMARY KEY, p int NULL REFERENCES p (id) ON DELETE SET NULL ON UPDATE CASCADE);"
             " CREATE TABLE b (id int PRIMARY KEY, p int DEFAULT 9 REFERENCES p (id) ON DELETE SET DEFAULT ON UPDATE SET NULL);"
             " CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE);"
             " CREATE TABLE d (id int PRIMARY KEY, c int REFERENCES c (id) ON DELETE CASCADE);"
             " INSERT a VALUES (1, 1), (2, 2); INSERT b VALUES (1, 1), (2, 2); INSERT c VALUES (1, 1), (2, 2); INSERT d VALUES (1, 1), (2, 2)")
        p.ok("DELETE p WHERE id = 1")
        state = [p.ok(f"SELECT * FROM {t} ORDER BY id").rows for t in "abcd"]
        assert state == [[("1", None), ("2", "2")], [("1", "9"), ("2", "2")], [("2", "2")], [("2", "2")]], state
        p.ok("UPDATE p SET id = 5 WHERE id = 2")
        state = [p.ok(f"SELECT * FROM {t} ORDER BY id").rows for t in "abcd"]
        assert state == [[("1", None), ("2", "5")], [("1", "9"), ("2", None)], [("2", "5")], [("2", "2")]], state
        p.ok("CREATE TABLE e (p int REFERENCES p (id)); INSERT e VALUES (5)")
        assert p.run("DELETE p WHERE id = 5").errors[0][0] == 547
        assert p.ok("SELECT COUNT(*) FROM c").value == "1", "a refused DELETE has cascaded"
        p.ok("DELETE e; INSERT p VALUES (6); INSERT e VALUES (6)")
        p.ok("UPDATE p SET id = CASE id WHEN 5 THEN 6 WHEN 6 THEN 5 ELSE id END")
        assert p.ok("SELECT p FROM e").value == "6", "key 6 is still there, so nothing objects"


def test_changes_reach_the_change_table(sim):
    """A MERGE and a cascade are captured like the statements they stand for; a changed key is a delete and an insert."""
    with Probe(sim) as p:
        start(p)
        p.ok("CREATE TABLE child (id int PRIMARY KEY, t int REFERENCES t (id) ON DELETE CASCADE); INSERT child VALUES (7, 1)")
        p.ok("EXEC sys.sp_cdc_enable_db; EXEC sys.sp_cdc_enable_table N'dbo', N't', @role_name = NULL; EXEC sys.sp_cdc_enable_table N'dbo', N'child', @role_name = NULL")
        p.ok("MERGE t USING s ON t.id = s.id WHEN MATCHED AND s.id = 3 THEN UPDATE SET n = s.n WHEN MATCHED THEN DELETE WHEN NOT MATCHED BY TARGET AND s.id = 4 THEN INSERT (id, n) VALUES (s.id, s.n);")
        p.ok("DELETE t WHERE id = 1")
        p.ok("UPDATE t SET id = id + 1")
        p.ok("EXEC sys.sp_cdc_scan")
        rows = p.ok("SELECT [__$operation], id FROM cdc.dbo_t_CT ORDER BY [__$start_lsn], [__$seqval], [__$operation]").rows
        assert rows == [("1", "2"), ("3", "3"), ("4", "3"), ("2", "4"), ("1", "1"), ("1", "3"), ("2", "4"), ("1", "4"), ("2", "5")], rows
        assert p.ok("SELECT [__$operation], id FROM cdc.dbo_child_CT").rows == [("1", "7")]


def test_constraints_of_temporary_tables(sim):
    with Probe(sim) as p:
        p.ok("CREATE TABLE #t (id int IDENTITY(5,2) CONSTRAINT pk_t PRIMARY KEY, v int NOT NULL DEFAULT 3, c int CONSTRAINT ck_t CHECK (c > 0), n varchar(3), CONSTRAINT uq_t UNIQUE (n))")
        p.ok("INSERT #t (n) VALUES ('a'), ('b'); CREATE UNIQUE INDEX ix_t ON #t (v, n)")
        check(p, {
            "INSERT #t (v) VALUES (NULL)": (515, 16, 2, "Cannot insert the value NULL into column 'v', table 'tempdb.dbo.#t'; column does not allow nulls. INSERT fails."),
            "INSERT #t (n) VALUES ('A')": (2627, 14, 1, "Violation of UNIQUE KEY constraint 'uq_t'. Cannot insert duplicate key in object 'dbo.#t'. The duplicate key value is (A)."),
            "INSERT #t (c) VALUES (-1)": (547, 16, 0, 'The INSERT statement conflicted with the CHECK constraint "ck_t". The conflict occurred in database "tempdb", table "dbo.#t", column \'c\'.'),
            "INSERT #t (n) VALUES ('long')": (2628, 16, 1, "String or binary data would be truncated in table 'tempdb.dbo.#t', column 'n'. Truncated value: 'lon'."),
            "CREATE UNIQUE INDEX ix_u ON #t (v)": (1505, 16, 1, "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name 'dbo.#t' and the index name 'ix_u'. The duplicate key value is (3)."),
        })
        reply = p.run("DECLARE @t TABLE (id int PRIMARY KEY, v int CHECK (v < 9)); INSERT @t VALUES (1, 1); INSERT @t VALUES (1, 2)")
        assert reply.errors[0][0] == 2627 and "in object 'dbo.@t'" in reply.errors[0][3], reply.errors
        assert p.run("DECLARE @t TABLE (v int CHECK (v < 9)); INSERT @t VALUES (10)").errors[0][0] == 547
        assert p.ok("SELECT id, v, n FROM #t ORDER BY id; DROP TABLE #t").sets[0][1] == [("5", "3", "a"), ("7", "3", "b")]


def test_a_unique_key_holds_one_null(sim):
    with Probe(sim) as p:
        fresh(p, "sqlchanges")
        for table in ("t", "#t"):
            p.ok(f"CREATE TABLE {table} (id int PRIMARY KEY, u int CONSTRAINT uq_{table.strip('#')}n UNIQUE, v int); INSERT {table} VALUES (1, NULL, 1), (2, 2, 1)")
            want = (2627, 14, 1, f"Violation of UNIQUE KEY constraint 'uq_tn'. Cannot insert duplicate key in object 'dbo.{table}'. The duplicate key value is (<NULL>).")
            check(p, {f"INSERT {table} VALUES (3, NULL, 1)": want, f"UPDATE {table} SET u = NULL WHERE id = 2": want, f"UPDATE {table} SET u = NULL": want})
            p.ok(f"UPDATE {table} SET v = 9 WHERE id = 1; UPDATE {table} SET u = NULL WHERE id = 1")
        p.ok("CREATE TABLE x (a int, b int); INSERT x VALUES (1, NULL), (1, NULL)")
        check(p, {
            "CREATE UNIQUE INDEX ix_x ON x (a, b)": (1505, 16, 1, "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name 'dbo.x' and the index name 'ix_x'. The duplicate key value is (1, <NULL>)."),
        })
