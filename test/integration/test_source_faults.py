"""The SQL Server source against faults of the server: nothing is lost, what repeats is at least once, and what cannot go on says what to do."""

from harness import eq, requires, timeout, wait_until

from test_sqlserver_source import TABLE, Source

SERVICES = ("kafka", "sqlserver")
CHANGES = ".cdc.[dbo_a_CT] AS cdc_data"  # the source's query of changes
QUICK = {"snapshot.mode": "schema_only", "database.query.timeout.ms": "1500", "retriable.restart.connector.wait.ms": "300"}
NEXT_STEP = "Reconfigure the connector to use a snapshot mode when needed."


class Faulty(Source):
    """A source of table dbo.a that streams."""

    def __init__(self, env, settings=None, tables="a"):
        super().__init__(env, {**QUICK, **(settings or {})})
        self.next = 0
        self.control = self.sql.connect()  # one for everything: a login of its own would meet the faults of logins
        env.defer(self.control.close)
        for t in tables:
            self.sql.table(TABLE.format(t), t)
        env.defer(self.clear)
        self.deploy().wait_streaming()

    def run(self, statement):
        """Rows, if there are any."""
        cursor = self.control.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None

    def arm(self, **arguments):
        self.run("EXEC sim.fault " + ", ".join(f"@{k} = " + (str(v) if isinstance(v, int) else f"N'{v}'") for k, v in arguments.items()))

    def clear(self):
        self.run("EXEC sim.fault_clear")

    def insert(self, rows=10, table="a"):
        first, self.next = self.next, self.next + rows
        self.run(f"INSERT INTO dbo.{table} VALUES " + ", ".join(f"({i}, N'row {i}')" for i in range(first, self.next)))

    def ids(self, table="a"):
        topic = self.topic(table)
        return [r.key["id"] for r in self.env.topics.read(topic)] if self.env.topics.exists(topic) else []

    def wait_ids(self, what, limit=20, table="a"):
        """Every row that was ever inserted is in the topic; first appearances are in order."""
        want = set(range(self.next))
        wait_until(lambda: set(self.ids(table)) == want, limit, f"all rows after {what}", interval=0.1, ignore=(Exception,),
                   detail=lambda: f"missing {sorted(want - set(self.ids(table)))}\n{self.run('SELECT kind, match, count, arg, hits FROM sim.faults')}")
        first = list(dict.fromkeys(self.ids(table)))
        eq(first, sorted(first), f"order after {what}")

    def hits(self):
        return self.run("SELECT kind, hits FROM sim.faults")

    def wait_hit(self, times=1):
        wait_until(lambda: sum(h for _, h in self.hits()) >= times, 20, "the fault to hit", detail=lambda: str(self.hits()))

    def state(self):
        return self.rest.status(self.name)["tasks"][0]["state"]

    def wait_warning(self, *parts):
        def said():
            return any("WARN" in line and all(p in line for p in parts) for line in self.worker.log().splitlines())

        wait_until(said, 20, f"a warning with {parts}")

    def trace(self):
        self.rest.wait_task_state(self.name, "FAILED")
        return self.rest.status(self.name)["tasks"][0]["trace"]


# what is armed, and how often it must hit
PASSING = {
    "a cut after some rows": ([{"kind": "drop", "arg": "after_rows:3", "match": CHANGES}], 1),
    "a cut in a token": ([{"kind": "drop", "arg": "mid_token:after_rows:5", "match": CHANGES}], 1),
    "a reset before the reply": ([{"kind": "drop", "arg": "before,rst", "match": CHANGES}], 1),
    "a deadlock": ([{"kind": "deadlock", "match": CHANGES}], 1),
    "a deadlock after some rows": ([{"kind": "error", "arg": "after_rows:4,1205,13,51,chosen as the deadlock victim", "match": CHANGES}], 1),
    "a lock timeout": ([{"kind": "lock_timeout", "match": CHANGES}], 1),
    "two failing logins": ([{"kind": "login_fail", "count": 2}, {"kind": "drop", "arg": "before", "match": CHANGES}], 3),
    "a database that is not ready": ([{"kind": "login_fail", "arg": "40613"}, {"kind": "drop", "arg": "before", "match": CHANGES}], 2),
    "a stall beyond the timeout": ([{"kind": "stall", "arg": "15000,after_rows:2", "match": CHANGES}], 1),
    "slow small packets": ([{"kind": "packet", "arg": "split,nbcrow:always", "match": CHANGES}], 1),
    "a jump of the log": ([{"kind": "lsn_gap", "arg": "3"}], 1),
}


@requires(*SERVICES)
@timeout(120)
def test_faults_that_pass(env):
    s = Faulty(env)
    s.insert()
    s.wait_ids("the start")
    for what, (faults, hits) in PASSING.items():
        for f in faults:
            s.arm(**f)
        s.insert()
        s.wait_hit(hits)
        s.wait_ids(what)
        eq(s.state(), "RUNNING", what)
        s.clear()
    repeated = len(s.ids()) - s.next
    assert repeated <= 10 * len(PASSING), f"{repeated} of {s.next} rows came again"


@requires(*SERVICES)
@timeout(60)
def test_a_late_capture_is_waited_for(env):
    s = Faulty(env)
    s.insert()
    s.wait_ids("the start")
    s.arm(kind="agent_stopped")
    s.insert()
    eq(s.sql.query("SELECT COUNT(*) FROM cdc.dbo_a_CT"), [(10,)], "nothing is captured without the agent")
    s.clear()
    s.wait_ids("the agent's return")
    s.arm(kind="capture_delay", arg="1500")
    s.insert()
    s.wait_ids("a capture that lags")
    eq(len(s.ids()), s.next, "no row came twice")


@requires(*SERVICES)
@timeout(60)
def test_changes_that_were_cleaned_while_the_worker_was_away(env):
    s = Faulty(env)
    s.insert()
    s.wait_ids("the start")
    s.worker.stop()
    s.insert()
    s.run("EXEC sys.sp_cdc_scan")
    s.insert()
    s.run("EXEC sys.sp_cdc_scan")
    s.arm(kind="cleanup")
    s.worker.start()
    trace = s.trace()
    assert "no longer available on the server" in trace and NEXT_STEP in trace, trace


@requires(*SERVICES)
@timeout(60)
def test_changes_that_were_cleaned_before_a_running_task_read_them(env):
    s = Faulty(env)
    s.insert()
    s.wait_ids("the start")
    s.rest.pause(s.name)
    s.rest.wait_task_state(s.name, "PAUSED")
    first = s.next
    s.insert()
    s.run("EXEC sys.sp_cdc_scan; WAITFOR DELAY '00:00:00.020'")  # a commit time is cleaned as a whole
    s.insert()
    s.run("EXEC sys.sp_cdc_scan")
    s.arm(kind="cleanup")
    s.rest.resume(s.name)
    s.wait_warning("Changes of table dbo.a from", "take a new snapshot")
    wait_until(lambda: s.next - 1 in s.ids(), 20, "what is left to be read", ignore=(Exception,))
    assert first not in s.ids(), "the stand-in has kept what was to be cleaned"
    eq(s.state(), "RUNNING")


@requires(*SERVICES)
@timeout(60)
def test_an_instance_that_is_dropped_in_mid_stream(env):
    s = Faulty(env, tables="ab")
    s.insert()
    s.wait_ids("the start")
    s.arm(kind="cdc_disabled", arg="instance:dbo_a", match=CHANGES)
    s.insert()
    s.wait_hit()
    s.sql.execute("INSERT INTO dbo.b VALUES (1, N'goes on')")
    wait_until(lambda: s.ids("b") == [1], 20, "the other table", ignore=(Exception,))
    eq(s.state(), "RUNNING")
    s.wait_warning("dbo_a", "its capture instance is gone")


@requires(*SERVICES)
@timeout(60)
def test_a_database_whose_capture_is_switched_off(env):
    s = Faulty(env)
    s.insert()
    s.wait_ids("the start")
    s.arm(kind="cdc_disabled")
    s.wait_warning("Going to restart connector after", "cdc.")
    eq(s.state(), "RUNNING", "as with Debezium, an operator may put it right")


@requires(*SERVICES)
@timeout(60)
def test_a_database_that_went_back_in_time(env):
    """A failover to an older copy: what the source has noted is ahead of the server."""
    s = Faulty(env)
    for _ in range(3):
        s.insert()
        s.wait_ids("the start")
    s.arm(kind="lsn_reset")
    s.insert()
    s.run("EXEC sys.sp_cdc_scan")
    s.wait_warning("restored or failed over to an older copy", "reset the connector's offsets")
