"""The main job: SQL Server rows become PostgreSQL rows through one worker, with the users' settings."""

from harness import eq, requires, skip, timeout, wait_until
from pipeline import SERVICES, Pipeline, deployed, insert_rows, simple_tables, worker_properties

COLUMNS = "id, name, qty, price"


@requires(*SERVICES)
@timeout(180)
def test_rows_replicate_and_changes_follow(env):
    p = Pipeline(env, ["items", "parts"])
    simple_tables(p, "items", "parts")
    p.deploy()
    p.sql.transaction(
        "INSERT INTO dbo.items (id, name, qty, price) VALUES (1, N'eins', 1, 1.50), (2, N'zwei', NULL, NULL), (3, N'drei ☃', 3, -99999999.99)",
        "INSERT INTO dbo.parts (id, name) VALUES (10, N'')",
    )
    p.sql.transaction("UPDATE dbo.items SET name = N'two' WHERE id = 2", "DELETE FROM dbo.items WHERE id = 3", "UPDATE dbo.parts SET id = 11 WHERE id = 10")
    p.wait_equal("items", COLUMNS)
    p.wait_equal("parts", COLUMNS)
    eq(p.pg.query("SELECT __deleted FROM items WHERE id = 3"), [("true",)], "the deleted row is marked")


@requires(*SERVICES)
@timeout(240)
def test_an_initial_snapshot_and_a_burst(env):
    p = Pipeline(env, ["items"], source={"snapshot.mode": "initial"}, sink={"auto.create": "true"})
    p.sql.table("CREATE TABLE dbo.items (id INT NOT NULL PRIMARY KEY, name NVARCHAR(100), qty INT, price DECIMAL(10,2))", "items")
    insert_rows(p.sql, "items", 1, 3000)
    p.deploy()
    p.wait_equal("items", COLUMNS)
    insert_rows(p.sql, "items", 3001, 20000)
    p.wait_equal("items", COLUMNS, limit=120)


@requires(*SERVICES)
@timeout(180)
def test_a_new_column_reaches_the_target(env):
    p = Pipeline(env, ["items"])
    simple_tables(p, "items")
    p.deploy()
    insert_rows(p.sql, "items", 1, 3)
    p.wait_equal("items")
    p.sql.execute("ALTER TABLE dbo.items ADD note NVARCHAR(50) NULL")
    p.sql.enable_cdc("items", instance="dbo_items_v2")
    p.sql.execute("INSERT INTO dbo.items (id, name, note) VALUES (4, N'four', N'with a note')")
    wait_until(lambda: p.pg.query("SELECT note FROM items WHERE id = 4") == [("with a note",)], 60, "the new column in the target",
               ignore=(Exception,))
    p.wait_equal("items")


@requires(*SERVICES)
@timeout(240)
def test_deployed_configurations_run_unchanged(env):
    """Under the users' own names and ports, which the harness's private namespace gives."""
    if not env.own_names:
        skip("needs a private network namespace: root, or unprivileged user namespaces")
    worker = env.worker(worker_properties(env))
    source, sink = deployed("sqlserver-source"), deployed("postgresql-sink")
    worker.rest.deploy(source)
    worker.rest.deploy(sink)
    worker.rest.wait_running(source["name"])
    worker.rest.wait_running(sink["name"], tasks=3)
    name = env.id
    env.sql.execute(f"INSERT INTO dbo.customers (name, email) VALUES (N'{name}', N'a@example.org')")
    env.pg.wait(f"SELECT email, __deleted FROM customers WHERE name = '{name}'", [("a@example.org", "false")], limit=60)
    customer = env.sql.one(f"SELECT id FROM dbo.customers WHERE name = N'{name}'")
    env.sql.transaction(
        f"INSERT INTO dbo.orders (customer_id, total_amount, status) VALUES ({customer}, 12.34, N'{name}')",
        f"UPDATE dbo.customers SET email = NULL WHERE id = {customer}",
    )
    env.pg.wait(f"SELECT customer_id, total_amount::text FROM orders WHERE status = '{name}'", [(customer, "12.34")], limit=60)
    env.pg.wait(f"SELECT email FROM customers WHERE name = '{name}'", [(None,)], limit=60)
    env.sql.execute(f"DELETE FROM dbo.orders WHERE status = N'{name}'")
    env.pg.wait(f"SELECT __deleted FROM orders WHERE status = '{name}'", [("true",)], limit=60)
    for connector in (source["name"], sink["name"]):
        worker.rest.delete(connector)


@requires(*SERVICES)
@timeout(240)
def test_secrets_stay_out_of_topics_logs_and_answers(env):
    p = Pipeline(env, ["items"])
    simple_tables(p, "items")
    p.deploy()
    secret = env.sqlserver.env()["SQLSERVER_PASSWORD"]
    pg_secret = env.postgres.env()["POSTGRES_PASSWORD"]
    texts = {"log": p.worker.log()}
    for path in ("/connectors?expand=info&expand=status", f"/connectors/{p.source_name}/tasks", f"/connectors/{p.sink_name}/tasks"):
        texts[path] = p.rest.call("GET", path).text
    for topic in (f"{env.id}-configs", f"{env.id}-status", f"{env.id}-offsets"):
        texts[topic] = " ".join(str(r.raw_value) for r in env.topics.read(topic))
    for where, text in texts.items():
        assert secret not in text, f"SQL Server's password is in {where}"
        assert f'"{pg_secret}"' not in text, f"PostgreSQL's password is in {where}"
    config = p.rest.config(p.source_name)
    eq(config["database.password"], "${vault:secret/database:sqlserver_password}", "the stored reference")
