"""Server cursors: the statements of T-SQL and the procedures that drivers call."""

from sqlprobe import Probe
from test_sql import fresh

ERRORS = {
    "OPEN nosuch": (16916, 16, 1, "A cursor with the name 'nosuch' does not exist."),
    "FETCH NEXT FROM nosuch": (16916, 16, 1, "A cursor with the name 'nosuch' does not exist."),
    "DECLARE c CURSOR FOR SELECT 1; DECLARE c CURSOR FOR SELECT 2": (16915, 16, 1, "A cursor with the name 'c' already exists."),
    "DECLARE d CURSOR FOR SELECT 1; OPEN d; OPEN d": (16905, 16, 1, "The cursor is already open."),
    "DECLARE e CURSOR FOR SELECT 1; FETCH e": (16917, 16, 1, "Cursor is not open."),
    "DECLARE f CURSOR FOR SELECT 1; CLOSE f": (16917, 16, 1, "Cursor is not open."),
    "DECLARE g CURSOR LOCAL FAST_FORWARD FOR SELECT 1; OPEN g; FETCH LAST FROM g": (16911, 16, 1, "fetch: The fetch type last cannot be used with forward only cursors."),
    "DECLARE @x int; DECLARE h CURSOR LOCAL FOR SELECT 1, 2; OPEN h; FETCH h INTO @x": (16924, 16, 1, "Cursorfetch: The number of variables declared in the INTO list must match that of selected columns."),
    "DECLARE i CURSOR LOCAL FOR SELECT 1/0; OPEN i": (8134, 16, 1, "Divide by zero error encountered."),
    "EXEC sp_cursorfetch 77, 2, 0, 1": (16909, 16, 1, "sp_cursorfetch: The cursor identifier value provided (4d) is not valid."),
    "EXEC sp_cursorclose 77": (16909, 16, 1, "sp_cursorclose: The cursor identifier value provided (4d) is not valid."),
    "DECLARE @h int, @s int = 8, @c int = 1, @n int; EXEC sp_cursoropen @h OUTPUT, N'SELECT * FROM nosuch', @s OUTPUT, @c OUTPUT, @n OUTPUT": (208, 16, 1, "Invalid object name 'nosuch'."),
    "DECLARE @h int, @s int = 8, @c int = 1, @n int; EXEC sp_cursoropen @h OUTPUT, N'PRINT 1', @s OUTPUT, @c OUTPUT, @n OUTPUT": (16937, 16, 1, "A server cursor cannot be opened on the given statement or statements. Use a default result set or client cursor."),
    "DECLARE j CURSOR FOR UPDATE t SET n = 1": (156, 15, 1, "Incorrect syntax near the keyword 'UPDATE'."),
    "FETCH": (102, 15, 1, "Incorrect syntax near 'FETCH'."),
}

OPEN = "DECLARE @h int, @s int = {scroll}, @c int = 1, @n int = 0; EXEC sp_cursoropen @h OUTPUT, N'SELECT id, n FROM t ORDER BY id', @s OUTPUT, @c OUTPUT, @n OUTPUT;"


def numbers(probe):
    fresh(probe, "sqlcursors")
    probe.ok("CREATE TABLE t (id int PRIMARY KEY, n nvarchar(10)); INSERT t VALUES (1, N'a'), (2, N'b'), (3, NULL), (4, N'd'), (5, N'e')")


def test_errors(sim):
    with Probe(sim) as p:
        numbers(p)
        wrong = [f"{sql}: {got}" for sql, want in ERRORS.items() if (got := p.run(sql).errors) != [want]]
        assert not wrong, "\n".join(wrong)


def test_loop_over_a_query(sim):
    """The variables of the query keep the values they had at the declaration."""
    with Probe(sim) as p:
        numbers(p)
        reply = p.ok("""
            DECLARE @id int, @n nvarchar(10), @sum int = 0, @from int = 1
            DECLARE c CURSOR LOCAL FAST_FORWARD FOR SELECT id, n FROM t WHERE id > @from ORDER BY id
            SET @from = 100
            OPEN c
            FETCH NEXT FROM c INTO @id, @n
            WHILE @@FETCH_STATUS = 0
            BEGIN
                SET @sum = @sum + @id
                UPDATE t SET n = N'seen' WHERE id = @id
                FETCH NEXT FROM c INTO @id, @n
            END
            CLOSE c
            DEALLOCATE c
            SELECT @sum, @n, @@FETCH_STATUS""")
        assert reply.sets[-1][1] == [("14", "e", "-1")], reply.sets
        assert p.ok("SELECT COUNT(*) FROM t WHERE n = N'seen'").value == "4"


def test_scrolling(sim):
    with Probe(sim) as p:
        numbers(p)
        p.ok("DECLARE c SCROLL CURSOR FOR SELECT id FROM t ORDER BY id; OPEN c")
        for how, want in (("LAST", 5), ("PRIOR", 4), ("ABSOLUTE 2", 2), ("RELATIVE 2", 4), ("ABSOLUTE -5", 1), ("PRIOR", None), ("NEXT", 1), ("RELATIVE 7", None), ("PRIOR", 5), ("FIRST", 1)):
            reply = p.ok(f"FETCH {how} FROM c")
            assert reply.columns == ["id int"], reply.columns
            assert reply.rows == ([] if want is None else [(str(want),)]), (how, reply.rows)
            assert p.ok("SELECT @@FETCH_STATUS").value == ("-1" if want is None else "0"), how
        assert p.ok("SELECT @@CURSOR_ROWS").value == "5"
        p.ok("CLOSE c; DEALLOCATE c")


def test_cursor_variable_over_a_table_variable(sim):
    with Probe(sim) as p:
        reply = p.ok("DECLARE @t TABLE (x int); INSERT @t VALUES (7), (8); DECLARE @c CURSOR; SET @c = CURSOR LOCAL FOR SELECT x FROM @t ORDER BY x;"
                     " OPEN @c; FETCH @c; FETCH @c; CLOSE @c; DEALLOCATE @c; SELECT SUM(x) FROM @t")
        assert [s[1] for s in reply.sets] == [[("7",)], [("8",)], [("15",)]], reply.sets


def test_local_cursors_end_with_their_batch(sim):
    with Probe(sim) as p:
        p.ok("DECLARE l CURSOR LOCAL FOR SELECT 1; OPEN l")
        assert p.run("FETCH l").errors[0][0] == 16916
        p.ok("DECLARE g CURSOR GLOBAL FOR SELECT 1; OPEN g")
        assert p.ok("FETCH g").rows == [("1",)]
        p.ok("DEALLOCATE g")


def test_driver_cursor(sim):
    """What mssql-jdbc does with selectMethod=cursor: rows come with a hidden ROWSTAT."""
    with Probe(sim) as p:
        numbers(p)
        reply = p.ok(OPEN.format(scroll=8) + " SELECT @s, @c, @n, @h; SELECT @h AS h INTO #h")
        assert reply.sets[0] == (["id int", "n nvarchar(10)", "ROWSTAT int"], []), reply.sets[0]
        assert reply.sets[1][1][0][:3] == ("8", "1", "5"), reply.sets[1]
        handle = reply.sets[1][1][0][3]
        fetched = [p.ok(f"EXEC sp_cursorfetch {handle}, {how}, {row}, {n}").rows for how, row, n in ((2, 0, 2), (2, 0, 2), (2, 0, 2), (2, 0, 2), (4, 0, 2), (1, 0, 1), (8, 0, 2), (16, 3, 1), (32, -1, 1))]
        ids = [[int(r[0]) for r in rows] for rows in fetched]
        assert ids == [[1, 2], [3, 4], [5], [], [4, 5], [1], [4, 5], [3], [2]], ids
        assert fetched[0][0] == ("1", "a", "1") and fetched[1][0] == ("3", None, "1")
        assert p.ok(f"DECLARE @r int, @n int; EXEC sp_cursorfetch {handle}, 256, @r OUTPUT, @n OUTPUT; SELECT @r, @n").sets[-1][1] == [("2", "5")]
        assert p.run(f"EXEC sp_cursor {handle}, 1, 1, N't', 1").errors == [(16929, 16, 1, "The cursor is READ ONLY.")]
        p.ok(f"EXEC sp_cursorclose {handle}")
        assert p.run(f"EXEC sp_cursorfetch {handle}, 2, 0, 1").errors[0][0] == 16909


def test_prepared_driver_cursor(sim):
    with Probe(sim) as p:
        numbers(p)
        reply = p.ok("DECLARE @p int, @h int, @s int = 4112, @c int = 1, @n int; EXEC sp_cursorprepexec @p OUTPUT, @h OUTPUT, N'@a int', N'SELECT id FROM t WHERE id > @a',"
                     " @s OUTPUT, @c OUTPUT, @n OUTPUT, 3; SELECT @p, @h, @s, @n")
        prepared, handle, scroll, rows = reply.sets[-1][1][0]
        assert (scroll, rows) == ("16", "-1"), reply.sets
        assert p.ok(f"EXEC sp_cursorfetch {handle}, 2, 0, 10").rows == [("4", "1"), ("5", "1")]
        assert p.run(f"EXEC sp_cursorfetch {handle}, 8, 0, 1").errors[0][0] == 16911
        reply = p.ok(f"DECLARE @h int, @s int = 4112, @c int = 1, @n int; EXEC sp_cursorexecute {prepared}, @h OUTPUT, @s OUTPUT, @c OUTPUT, @n OUTPUT, 4; SELECT @h")
        assert p.ok(f"EXEC sp_cursorfetch {reply.sets[-1][1][0][0]}, 2, 0, 10").rows == [("5", "1")]
        p.ok(f"EXEC sp_cursorclose -1; EXEC sp_cursorunprepare {prepared}")
        assert p.run(f"EXEC sp_cursorunprepare {prepared}").errors == [(8179, 16, 2, f"Could not find prepared statement with handle {prepared}.")]
