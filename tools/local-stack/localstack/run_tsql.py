"""Runs a T-SQL script batch by batch: run_tsql.py HOST PORT FILE, account from SQLSERVER_USER and SQLSERVER_PASSWORD.

A program of its own because it needs pymssql: it runs in the virtual environment, the stack itself does not.
"""

import os
import re
import sys

import pymssql


def main():
    host, port, path = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        batches = [b for b in re.split(r"(?im)^\s*GO\s*$", f.read()) if b.strip()]
    connection = pymssql.connect(
        server=host, port=port, user=os.environ["SQLSERVER_USER"], password=os.environ["SQLSERVER_PASSWORD"],
        database="master", autocommit=True, login_timeout=10, timeout=60,
    )
    cursor = connection.cursor()
    for batch in batches:
        try:
            cursor.execute(batch)
        except pymssql.Error as e:
            text = e.args[-1].decode(errors="replace") if isinstance(e.args[-1], bytes) else str(e)
            sys.exit(f"{text.strip()}\n  in the batch: {batch.strip()[:300]}")
    connection.close()


main()
