"""Every client of the matrix by the name that tests use."""

from .piped import GoMssqldb, Jdbc, JdbcNewer, Tedious
from .python_drivers import Pymssql, PyodbcFreetds, Pytds

CLIENTS = {
    "pymssql": Pymssql,
    "pytds": Pytds,
    "pyodbc": PyodbcFreetds,
    "jdbc-12.4.2": Jdbc,
    "jdbc-12.10.1": JdbcNewer,
    "tedious": Tedious,
    "go-mssqldb": GoMssqldb,
}
