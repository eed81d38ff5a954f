"""kill -9 at bad moments: after a restart the target equals the source."""

from harness import requires, timeout, wait_until
from pipeline import SERVICES, Background, Pipeline, insert_rows, simple_tables

COLUMNS = "id, name, qty, price"
# The group notices a dead member by its session, which Java's default makes 45 s long.
SINK = {"consumer.override.session.timeout.ms": "6000"}


@requires(*SERVICES)
@timeout(300)
def test_kill9_of_the_worker_while_streaming(env):
    p = Pipeline(env, ["items"], sink=SINK)
    simple_tables(p, "items")
    p.deploy()
    writer = Background(insert_rows, p.sql, "items", 1, 12000, 200)
    for mark in (1000, 4000, 8000):
        wait_until(lambda m=mark: p.pg.one("SELECT count(*) FROM items") >= m, 90, f"{mark} rows in the target")
        p.worker.kill()
        p.worker.start()
    writer.join()
    p.sql.transaction("UPDATE dbo.items SET name = N'changed' WHERE id % 10 = 0", "DELETE FROM dbo.items WHERE id % 100 = 7")
    p.wait_equal("items", COLUMNS, limit=120)


def kill_during_the_snapshot(env, flush_ms):
    p = Pipeline(env, ["items"], source={"snapshot.mode": "initial", "max.batch.size": "256", "snapshot.fetch.size": "200"},
                 sink=SINK, worker={"offset.flush.interval.ms": flush_ms})
    simple_tables(p, "items")
    insert_rows(p.sql, "items", 1, 30000)
    p.deploy_sink()
    p.deploy_source(wait=False)
    wait_until(lambda: env.topics.partitions(p.topic("items")) and sum(env.topics.end_offsets(p.topic("items")).values()) >= 500, 60,
               "the snapshot to be under way", ignore=(Exception,))
    p.worker.kill()
    # Rows that the first attempt has sent go before the second begins: only the changes since the first one's position say so.
    p.sql.execute("DELETE FROM dbo.items WHERE id <= 100 OR id % 1000 = 1")
    insert_rows(p.sql, "items", 30001, 30100)
    p.worker.start()
    p.sql.execute("DELETE FROM dbo.items WHERE id % 1000 = 2")
    p.wait_equal("items", COLUMNS, limit=150)


@requires(*SERVICES)
@timeout(300)
def test_kill9_of_the_worker_during_the_snapshot(env):
    kill_during_the_snapshot(env, 100)


@requires(*SERVICES)
@timeout(300)
def test_kill9_of_the_worker_during_the_snapshot_before_an_offset_is_stored(env):
    kill_during_the_snapshot(env, 60000)


@requires(*SERVICES)
@timeout(240)
def test_sigterm_commits_and_the_next_start_repeats_little(env):
    p = Pipeline(env, ["items"])
    simple_tables(p, "items")
    p.deploy()
    insert_rows(p.sql, "items", 1, 500)
    p.wait_equal("items", COLUMNS)
    assert p.worker.stop(), "the worker leaves within its grace period"
    before = sum(env.topics.end_offsets(p.topic("items")).values())
    insert_rows(p.sql, "items", 501, 510)
    p.worker.start()
    p.wait_equal("items", COLUMNS)
    sent = sum(env.topics.end_offsets(p.topic("items")).values()) - before
    assert sent == 10, f"a clean stop loses no offset: 10 new rows, {sent} records sent"
