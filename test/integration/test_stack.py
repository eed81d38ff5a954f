"""The stack itself: each service is what the other tests take it for."""

from harness import contains, eq, requires, wait_until


@requires("kafka", "registry", "postgres", "vault")
def test_services_answer(env):
    tables = "'customers', 'orders', 'line_items', 'schema_test', 'test_customers'"
    eq(env.pg.one(f"SELECT count(*) FROM information_schema.columns WHERE column_name = '__deleted' AND table_name IN ({tables})"), 5, "target tables")
    eq(env.vault.call("GET", "secret/data/database")[1]["data"]["data"]["sqlserver_user"], "sa", "seeded secret")
    env.topics.create(env.id, partitions=3)
    eq(env.topics.partitions(env.id), [0, 1, 2], "partitions")


@requires("kafka", "registry")
def test_avro_records_come_back(env):
    schema = {"type": "record", "name": "R", "fields": [{"name": "id", "type": "int"}, {"name": "s", "type": ["null", "string"], "default": None}]}
    env.topics.create(env.id)
    env.topics.produce_avro(env.id, schema, [{"id": 1, "s": "a"}, {"id": 2, "s": None}, None], "string", ["k1", "k2", "k3"])
    records = env.topics.read(env.id, 3)
    eq([r.value for r in records], [{"id": 1, "s": "a"}, {"id": 2, "s": None}, None])
    eq([r.key for r in records], ["k1", "k2", "k3"])
    eq(len(env.topics.read(env.id)), 3, "records up to the end")


@requires("kafka")
def test_killed_kafka_keeps_records(env):
    env.topics.create(env.id)
    env.topics.produce(env.id, [("k", "before")])
    env.kafka.kill()
    assert not env.kafka.alive()
    env.kafka.start()
    env.topics.produce(env.id, [("k", "after")])
    eq([r.raw_value for r in env.topics.read(env.id, 2)], [b"before", b"after"])


@requires("postgres")
def test_killed_postgres_keeps_committed_rows(env):
    database = env.pg_database()
    database.execute("CREATE TABLE t (id int)")
    database.execute("INSERT INTO t VALUES (1)")
    env.postgres.kill()
    env.postgres.start()
    eq(database.query("SELECT id FROM t"), [(1,)])


@requires("registry")
def test_registry_keeps_ids_over_a_restart(env):
    env.topics.produce_avro(env.topics.create(env.id), "string", ["x"])
    before = env.topics.read(env.id, 1)[0].raw_value
    env.registry.restart()
    env.topics._ids.clear()
    eq(env.topics.avro(f"{env.id}-value", "string", "x"), before, "bytes with the schema id")


@requires("vault")
def test_vault_refuses_as_vault_does(env):
    status, answer = env.vault.call("GET", "secret/data/database", token="wrong")
    eq(status, 403)
    contains(answer["errors"][0], "permission denied")
    eq(env.vault.call("GET", "secret/data/absent"), (404, {"errors": []}))
    env.vault.call("PUT", "sys/seal")
    try:
        eq(env.vault.call("GET", "secret/data/database"), (503, {"errors": ["Vault is sealed"]}))
    finally:
        env.vault.call("PUT", "sys/unseal")
    eq(env.vault.call("GET", "secret/data/database")[0], 200)


@requires("vault")
def test_vault_approle_token_expires_and_renews(env):
    env.vault.call("POST", "auth/approle/role/worker", {"token_ttl": "2s", "token_max_ttl": "60s", "paths": ["secret/data/database"]})
    role_id = env.vault.call("GET", "auth/approle/role/worker/role-id")[1]["data"]["role_id"]
    secret_id = env.vault.call("POST", "auth/approle/role/worker/secret-id")[1]["data"]["secret_id"]
    eq(env.vault.call("POST", "auth/approle/login", {"role_id": role_id, "secret_id": "x"}, token="")[0], 400)
    auth = env.vault.call("POST", "auth/approle/login", {"role_id": role_id, "secret_id": secret_id}, token="")[1]["auth"]
    token = auth["client_token"]
    eq(env.vault.call("GET", "secret/data/database", token=token)[0], 200)
    eq(env.vault.call("GET", "secret/data/kafka", token=token)[0], 403)
    eq(env.vault.call("POST", "auth/token/renew-self", {"increment": "3s"}, token=token)[0], 200)
    wait_until(lambda: env.vault.call("GET", "secret/data/database", token=token)[0] == 403, 10, "the token to expire")


@requires("sqlserver")
def test_sqlserver_has_the_tables_under_capture(env):
    eq(
        env.sql.query("SELECT name FROM sys.tables WHERE is_tracked_by_cdc = 1 AND schema_id = SCHEMA_ID('dbo') ORDER BY name"),
        [(n,) for n in ("customers", "line_items", "orders", "schema_test", "test_customers")],
    )
    eq(env.sql.one("SELECT CAST(is_cdc_enabled AS INT) FROM sys.databases WHERE name = 'warehouse_source'"), 1, "capture")


@requires("sqlserver")
def test_sqlserver_captures_committed_changes_only(env):
    database = env.sql_database()
    database.table("CREATE TABLE dbo.t (id INT PRIMARY KEY, s NVARCHAR(20))", "t")
    database.transaction("INSERT INTO dbo.t VALUES (1, N'one')", "UPDATE dbo.t SET s = N'two' WHERE id = 1")
    connection = database.connect(autocommit=False)
    connection.cursor().execute("INSERT INTO dbo.t VALUES (2, N'never')")
    connection.rollback()
    connection.close()
    database.execute("DELETE FROM dbo.t WHERE id = 1")
    changes = "SELECT [__$operation], id, s FROM cdc.dbo_t_CT ORDER BY [__$start_lsn], [__$seqval], [__$operation]"
    wait_until(lambda: len(database.query(changes)) == 4, 20, "four change rows")
    eq(database.query(changes), [(2, 1, "one"), (3, 1, "one"), (4, 1, "two"), (1, 1, "two")])


@requires("sqlserver")
def test_killed_sqlserver_keeps_committed_rows(env):
    database = env.sql_database(cdc=False)
    database.execute("CREATE TABLE dbo.t (id INT PRIMARY KEY)")
    database.execute("INSERT INTO dbo.t VALUES (1)")
    env.sqlserver.kill()
    env.sqlserver.start()
    eq(database.query("SELECT id FROM dbo.t"), [(1,)])
