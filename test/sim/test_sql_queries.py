"""Queries that scripts of data engineers use: recursion, TOP in all its forms, windows, DISTINCT aggregates."""

from sqlprobe import Probe

ERRORS = {
    "WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT COUNT(*) FROM n": (530, 16, 1, "The statement terminated. The maximum recursion 100 has been exhausted before statement completion."),
    "WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT COUNT(*) FROM n OPTION (MAXRECURSION 3)": (530, 16, 1, "The statement terminated. The maximum recursion 3 has been exhausted before statement completion."),
    "WITH n AS (SELECT 'a' AS s UNION ALL SELECT s + 'b' FROM n) SELECT * FROM n": (240, 16, 1, "Types don't match between the anchor and the recursive part in column \"s\" of recursive query \"n\"."),
    "WITH n AS (SELECT 1 AS i UNION ALL SELECT n.i + 1 FROM n JOIN n m ON 1 = 1) SELECT * FROM n": (253, 16, 1, "Recursive member of a common table expression 'n' has multiple recursive references."),
    "SELECT 1 OPTION (MAXRECURSION 40000)": (310, 15, 1, "The value 40000 specified for the MAXRECURSION option exceeds the allowed maximum of 32767."),
    "SELECT TOP 1 WITH TIES name FROM sys.schemas": (1062, 15, 1, "The TOP N WITH TIES clause is not allowed without a corresponding ORDER BY clause."),
    "SELECT TOP (101) PERCENT name FROM sys.schemas": (1031, 15, 1, "Percent values must be between 0 and 100."),
    "SELECT SUM(DISTINCT schema_id) OVER () FROM sys.schemas": (10759, 15, 1, "Use of DISTINCT is not allowed with the OVER clause."),
    "SELECT ROW_NUMBER() FROM sys.schemas": (10753, 15, 3, "The function 'row_number' must have an OVER clause."),
}

ROWS = {
    "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4) SELECT i, i * i FROM n": [("1", "1"), ("2", "4"), ("3", "9"), ("4", "16")],
    "WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT COUNT(*), SUM(i) FROM n OPTION (MAXRECURSION 0)": [("2000", "2001000")],
    "WITH d AS (SELECT CAST('2024-02-28' AS date) AS d UNION ALL SELECT DATEADD(day, 1, d) FROM d WHERE d < '2024-03-01') SELECT d FROM d ORDER BY d DESC": [("2024-03-01",), ("2024-02-29",), ("2024-02-28",)],
    "WITH t AS (SELECT id, 0 AS level FROM #e WHERE boss IS NULL UNION ALL SELECT e.id, t.level + 1 FROM #e e JOIN t ON t.id = e.boss) SELECT id, level FROM t ORDER BY id": [("1", "0"), ("2", "1"), ("3", "1"), ("4", "2")],
    "WITH a AS (SELECT 1 AS x), n AS (SELECT x FROM a UNION ALL SELECT x + 1 FROM n WHERE x < 3), m AS (SELECT x * 10 AS y FROM n) SELECT n.x, m.y FROM n JOIN m ON m.y = n.x * 10 ORDER BY 1": [("1", "10"), ("2", "20"), ("3", "30")],
    "SELECT TOP (50) PERCENT v FROM #v ORDER BY v DESC": [("7",), ("5",), ("5",)],
    "SELECT TOP 1 WITH TIES g FROM #v ORDER BY g": [("1",), ("1",), ("1",)],
    "SELECT TOP (20) PERCENT WITH TIES g FROM #v ORDER BY g DESC": [("2",), ("2",)],
    "SELECT TOP (2) WITH TIES v FROM #v ORDER BY CASE WHEN v IS NULL THEN 1 ELSE 0 END, v": [("1",), ("5",), ("5",)],
    "SELECT g, SUM(DISTINCT v), COUNT(DISTINCT v), SUM(v), AVG(DISTINCT g * 1.0) FROM #v GROUP BY g ORDER BY g": [("1", "12", "2", "17", "1"), ("2", "1", "1", "1", "2")],
    "SELECT STRING_AGG(CAST(d AS varchar(9)), '; ') WITHIN GROUP (ORDER BY d DESC), STRING_AGG(n, N',') WITHIN GROUP (ORDER BY n) FROM (VALUES (1, N'b'), (11, N'A'), (2, NULL)) x (d, n)": [("11; 2; 1", "A,b")],
    "SELECT v, SUM(v) OVER (ORDER BY v ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM #v WHERE g = 1": [("5", "5"), ("5", "10"), ("7", "17")],
    "SELECT v, LAST_VALUE(v) OVER (ORDER BY v ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING), LAG(v, 1, 0) OVER (ORDER BY v), NTILE(2) OVER (ORDER BY v) FROM #v WHERE g = 1": [("5", "7", "0", "1"), ("5", "7", "5", "1"), ("7", "7", "5", "2")],
}


def test_queries(sim):
    with Probe(sim) as p:
        p.ok("CREATE TABLE #e (id int, boss int); INSERT #e VALUES (1, NULL), (2, 1), (3, 1), (4, 2)")
        p.ok("CREATE TABLE #v (g int, v decimal(5,1)); INSERT #v VALUES (1, 5), (1, 5), (1, 7), (2, 1), (2, NULL)")
        wrong = [f"{sql}\n    gave {got}" for sql, want in ROWS.items() if (got := p.ok(sql).rows) != want]
        assert not wrong, "\n".join(wrong)


def test_errors(sim):
    with Probe(sim) as p:
        wrong = [f"{sql}\n    gave {got}" for sql, want in ERRORS.items() if (got := p.run(sql).errors) != [want]]
        assert not wrong, "\n".join(wrong)
