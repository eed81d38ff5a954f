"""What a test is given: the shared services, names of its own, and a promise that everything it opens is closed."""

import os
import re
import shutil
import traceback
import uuid

from localstack import namespace
from localstack.clients import databases, topics
from localstack.postgres import DATABASE as POSTGRES_DATABASE
from localstack.sqlserver import DATABASE as SQLSERVER_DATABASE

from . import worker


class Env:
    """
    env.id                 unique per test and run, safe in names of topics, connectors, tables and databases
    env.dir                a directory of its own; kept when the test fails
    env.topics             Kafka                        env.kafka      the broker (kill(), start(), restart(), …)
    env.registry           the schema registry (url)    env.vault      call("POST", "secret/data/x", {"data": {…}})
    env.pg, env.sql        the databases of the users' configurations
    env.pg_database()      a fresh, empty PostgreSQL database; env.sql_database() the same with change data capture on
    env.worker()           a started connectd worker
    env.own_names          kafka:9092, sqlserver:1433, … work (a private namespace could be had)
    env.defer(f, *args)    runs when the test ends, last first
    """

    def __init__(self, stack, test_name, base_dir):
        self.stack = stack
        short = re.sub(r"[^a-z0-9]+", "_", test_name.lower().removeprefix("test_"))[:28].strip("_")
        self.id = f"{short}_{uuid.uuid4().hex[:6]}"
        self.dir = os.path.join(base_dir, self.id)
        os.makedirs(self.dir)
        self.workers, self._deferred, self._cache = [], [], {}

    @property
    def own_names(self):
        """Whether kafka:9092, sqlserver:1433 and the other names of the users' configurations work here."""
        return namespace.inside()

    # --- services, started on first use

    def _service(self, name):
        if name not in self._cache:
            self.stack.start(name)
            self._cache[name] = self.stack[name]
        return self._cache[name]

    @property
    def kafka(self):
        return self._service("kafka")

    @property
    def registry(self):
        return self._service("registry")

    @property
    def vault(self):
        return self._service("vault")

    @property
    def postgres(self):
        return self._service("postgres")

    @property
    def sqlserver(self):
        return self._service("sqlserver")

    @property
    def topics(self):
        if "topics" not in self._cache:
            url = self.registry.url if "registry" in self.stack.state["started"] else None
            self._cache["topics"] = topics.Topics(self.kafka.env()["KAFKA_BOOTSTRAP"], url)
        return self._cache["topics"]

    @property
    def pg(self):
        return databases.Postgres(self.postgres.env(), POSTGRES_DATABASE)

    @property
    def sql(self):
        return databases.SqlServer(self.sqlserver.env(), SQLSERVER_DATABASE)

    def pg_database(self):
        name = f"{self.id}_pg"
        server = databases.Postgres(self.postgres.env(), "postgres")
        server.execute(f'CREATE DATABASE "{name}"')
        self.defer(server.execute, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        return databases.Postgres(self.postgres.env(), name)

    def sql_database(self, cdc=True):
        name = f"{self.id}_sql"
        server = databases.SqlServer(self.sqlserver.env(), "master")
        server.execute(f"CREATE DATABASE {name}")
        self.defer(server.execute, f"DROP DATABASE {name}")
        database = databases.SqlServer(self.sqlserver.env(), name)
        if cdc:
            database.execute("EXEC sys.sp_cdc_enable_db")
        return database

    # --- workers

    def worker(self, properties=None, name=None, environment=None, start=True, **how):
        """A connectd worker; `properties` win over the defaults (None removes one). Two workers of one test form one group."""
        self.kafka  # noqa: B018  (started on first use)
        w = worker.Worker(self, name or f"worker{len(self.workers) + 1}", properties or {}, environment or {}, **how)
        self.workers.append(w)
        self.defer(w.stop)
        return w.start() if start else w

    # --- endings

    def defer(self, function, *args):
        self._deferred.append((function, args))

    def close(self, failed):
        """Runs what was deferred and returns the texts of what went wrong there."""
        problems = []
        while self._deferred:
            function, args = self._deferred.pop()
            try:
                function(*args)
            except Exception:
                problems.append(traceback.format_exc())
        if not failed and not problems:
            shutil.rmtree(self.dir, ignore_errors=True)
        return problems
