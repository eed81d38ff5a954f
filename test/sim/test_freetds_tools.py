"""Debian's FreeTDS programs: tsql, bsqldb, freebcp; db-lib with the server's defaults."""

import os
import shutil
import subprocess
import tempfile

from runner import variants
from sim import PASSWORD, Skip

CONF = """[global]
tds version = {version}
client charset = UTF-8
[sim]
host = {host}
port = {port}
encryption = {encryption}
"""


def tool(sim, argv, text="", encryption="request", version="7.4", host="127.0.0.1"):
    """@return standard output and error of one program"""
    if shutil.which(argv[0]) is None:
        raise Skip(f"{argv[0]} is not installed")
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        conf.write(CONF.format(port=sim.port, encryption=encryption, version=version, host=host))
        conf.flush()
        run = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=30, check=False,
                             env=dict(os.environ, FREETDSCONF=conf.name, LC_ALL="C.UTF-8"))
    return run.stdout + run.stderr


def tsql(sim, text, **options):
    return tool(sim, ["tsql", "-S", "sim", "-U", "sa", "-P", PASSWORD], text, **options)


@variants("off", "request", "require")
def test_tsql_with_encryption(sim, encryption):
    out = tsql(sim, "SELECT 'a' + 'b' AS joined\ngo\n", encryption=encryption)
    assert "joined\nab\n(1 row affected)" in out, out


@variants("7.1", "7.2", "7.3", "7.4")
def test_tsql_with_version(sim, version):
    out = tsql(sim, "SELECT CAST('2024-03-15' AS date), CAST(1.5 AS decimal(5,2)), N'\u00fc'\ngo\n", version=version)
    assert "1.50" in out and "\u00fc" in out and "2024" in out, out


def test_tsql_errors_and_messages(sim):
    out = tsql(sim, "FROB x y\ngo\nPRINT 'hello there'\ngo\nSELECT 1 AS still\ngo\n")
    assert "Incorrect syntax near" in out and "Msg 102 (severity 15" in out, out
    assert "hello there" in out and "still\n1" in out, out


def test_tsql_wrong_password(sim):
    out = tool(sim, ["tsql", "-S", "sim", "-U", "sa", "-P", "no"], "")
    assert "Login failed for user 'sa'" in out and "18456" in out, out


def test_bsqldb(sim):
    out = tool(sim, ["bsqldb", "-S", "sim", "-U", "sa", "-P", PASSWORD, "-q", "-t|"], "SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL\nGO\n")
    lines = [line.replace(" ", "") for line in out.splitlines()]
    assert "1|x" in lines and any(line.startswith("2|") for line in lines), out


def test_dblib_textsize_is_4096_until_set(sim):
    """db-lib logs in without the ODBC flag. bsqldb shows large values in hex."""
    sql = "SELECT REPLICATE(CAST('x' AS varchar(max)), 10000) AS t\nGO\n"
    out = tool(sim, ["bsqldb", "-S", "sim", "-U", "sa", "-P", PASSWORD, "-q"], sql)
    assert out.count("78") == 4096, out.count("78")
    out = tool(sim, ["bsqldb", "-S", "sim", "-U", "sa", "-P", PASSWORD, "-q"], "SET TEXTSIZE 2147483647\nGO\n" + sql)
    assert out.count("78") == 10000, out.count("78")


def test_freebcp_in_and_out(sim):
    tsql(sim, "IF OBJECT_ID('tempdb.dbo.bcp_t', 'U') IS NOT NULL DROP TABLE tempdb.dbo.bcp_t\ngo\n"
              "CREATE TABLE tempdb.dbo.bcp_t (id INT NOT NULL PRIMARY KEY, name NVARCHAR(50) NULL, amount DECIMAL(10,2) NULL, at DATETIME NULL)\ngo\n")
    rows = ["1\tAda\t12.34\t2024-03-15 13:45:30.000", "2\t\u00dcbung\t-0.05\t2024-01-01 00:00:00.000", "3\t\t\t"]
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "in.txt"), os.path.join(folder, "out.txt")
        with open(source, "w", encoding="utf-8") as f:
            f.write("".join(r + "\n" for r in rows))
        common = ["-S", "sim", "-U", "sa", "-P", PASSWORD, "-c"]
        out = tool(sim, ["freebcp", "tempdb.dbo.bcp_t", "in", source, *common])
        assert "3 rows copied" in out, out
        out = tool(sim, ["freebcp", "tempdb.dbo.bcp_t", "out", target, *common])
        assert "3 rows copied" in out, out
        with open(target, encoding="utf-8") as f:
            lines = f.read().splitlines()
    assert lines[0].startswith("1\tAda\t12.34\t") and lines[1].startswith("2\t\u00dcbung\t-"), lines
    assert lines[2].startswith("3\t"), lines


def test_freebcp_bad_row_is_rolled_back(sim):
    tsql(sim, "IF OBJECT_ID('tempdb.dbo.bcp_pk', 'U') IS NOT NULL DROP TABLE tempdb.dbo.bcp_pk\ngo\n"
              "CREATE TABLE tempdb.dbo.bcp_pk (id INT NOT NULL PRIMARY KEY)\ngo\n")
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "in.txt")
        with open(source, "w", encoding="utf-8") as f:
            f.write("1\n2\n1\n")
        out = tool(sim, ["freebcp", "tempdb.dbo.bcp_pk", "in", source, "-S", "sim", "-U", "sa", "-P", PASSWORD, "-c"])
    assert "Violation of PRIMARY KEY" in out, out
    assert "\n0\n" in tsql(sim, "SELECT COUNT(*) AS n FROM tempdb.dbo.bcp_pk\ngo\n")
