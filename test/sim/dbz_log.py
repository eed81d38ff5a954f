"""What the workers log as a warning or an error, and why that is as it should be."""

import re

from localstack.waiting import wait_until

# (pattern of "LEVEL class: text", why it is no fault of the stand-in)
ALWAYS = (
    (r"WARN NetworkClient: .*=UNKNOWN_TOPIC_OR_PARTITION", "the broker creates each topic with its first record"),
    (r"WARN SqlServerDefaultValueConverter: Cannot parse column default value '\(getdate\(\)\)'", "the connector evaluates no functions"),
    (r"WARN BaseSourceTask: Couldn't commit processed log positions .* due to a concurrent connector shutdown or restart",
     "the worker's first offset commit (here after 200 ms) comes before the task has started"),
)
RETRY = (
    (r"WARN AbstractWorkerSourceTask: .* failed to poll records from SourceTask. Will retry operation.\n.*RetriableException", "the worker of the retry"),
    (r"WARN BaseSourceTask: Going to restart connector after [01] sec. after a retriable exception", "every SQL error is tried again, here after 300 ms or a second"),
    (r"WARN ErrorHandler: Retry \d+ of unlimited retries will be attempted", "the same"),
)
AGAIN = (r"WARN AbstractSnapshotChangeEventSource: Snapshot was not completed successfully ?, it will be re-executed upon connector restart", "the outcome of it")


def failure(text):
    return rf"ERROR ErrorHandler: Producer failure\n([^\n]*Exception: )+{text}"


def failed_snapshot(text):
    return ((failure(text), "this is what the test provokes"), (rf"ERROR RelationalSnapshotChangeEventSource: Error during snapshot\n.*{text}", "the same"), AGAIN)


EXPLAINED = {
    "dropped instance": (
        (r"REFUSED Msg 208 Invalid object name '\w+\.cdc\.fn_cdc_get_all_changes_\w+'", "the connector learns of it by this error and drops the table"),
        (r"REFUSED Msg 208 Invalid object name '\w+\.cdc\.\w+_CT'", "so does one that reads the change tables themselves,"),
        (failure(r"Invalid object name '\w+\.cdc\.\w+_CT'"), "but it knows no better than to start again"),
        *RETRY,
    ),
    "restart": (
        (r"WARN DistributedHerder: .* Catching up to assignment's config offset", "the worker that was killed comes back"),
        (r"ERROR RelationalSnapshotChangeEventSource: Error during snapshot\n.*InterruptedException: Interrupted while snapshotting", "a task that is stopped"),
        (r"ERROR ErrorHandler: Producer failure\n.*InterruptedException: Interrupted while snapshotting", "while it reads rows says so twice"),
        AGAIN,
    ),
    "lost connection": (
        (failure("SQL Server did not return a response. The connection has been closed."), "dropped before the first byte of a reply"),
        (failure("SQL Server returned an incomplete response. The connection has been closed."), "dropped within a reply"),
        (failure("Connection reset"), "dropped with a reset"),
        (failure("Read timed out"), "stalled for longer than socketTimeout"),
        (failure("The connection is closed."), "the statement after one of these"),
        (r"WARN SqlServerStreamingChangeEventSource: Stale connection detected at start of streaming iteration", "3.6 opens a lost connection anew"),
        *RETRY,
    ),
    "server restarts": (
        (failure(r"The TCP/IP connection to the host 127.0.0.1, port \d+ has failed"), "nobody listens for a moment"),
        (failure(r".* could not establish a secure connection to SQL Server .*Connection reset"), "the server goes during a login"),
    ),
    "lost in snapshot": (
        (r"ERROR RelationalSnapshotChangeEventSource: Error during snapshot\n.*Snapshotting of table .* failed", "a connection lost while rows are read,"),
        (r"ERROR RelationalSnapshotChangeEventSource: Error in finally block\n.*The connection is closed.", "and the rollback on it"),
        AGAIN,
    ),
    "failing statement": (
        (failure(r"Transaction \(Process ID \d+\) was deadlocked on lock resources"), "1205"),
        (failure("Lock request time out period exceeded."), "1222"),
        (failure("A timeout occurred while waiting for memory resources."), "8645"),
        *RETRY,
    ),
    "snapshot not allowed": (*failed_snapshot("Snapshot isolation transaction failed accessing database '\\w+' because"), *RETRY),
    "table is locked": (*failed_snapshot("Lock request time out period exceeded."), *RETRY),
    "unknown certificate": ((r"ERROR SqlServerConnector: Failed testing connection for .*\n.*PKIX path building failed", "the refused configuration"),),
    "failing login": ((failure("Login failed for user 'sa'."), "18456"), *RETRY),
    "position lost": (
        (r"WARN BaseSourceTask: Last recorded offset is no longer available on the server.", "3.6 looks before it starts"),
        (r"ERROR WorkerTask: .* Task threw an uncaught and unrecoverable exception.*\n.*but this is no longer available on the server", "and says so"),
    ),
    "agent stopped": ((r"ERROR SqlServerStreamingChangeEventSource: No maximum LSN recorded in the database; SQL Server Agent is not running", "as asked for"),),
}

HEAD = re.compile(r"^\[?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (TRACE|DEBUG|INFO|WARN|ERROR|FATAL) (\S+) <[^>]*>: (.*)$")


class Log:
    """A log4j file that grows. Positions are bytes."""

    def __init__(self, path):
        self.path = path

    def end(self):
        with open(self.path, "rb") as f:
            return f.seek(0, 2)

    def text(self, since):
        with open(self.path, "rb") as f:
            f.seek(since)
            return f.read().decode(errors="replace")

    def wait(self, words, since, limit, check=lambda: None):
        def said():
            check()
            return words in self.text(since)

        wait_until(said, limit, f"'{words}' in {self.path}", detail=lambda: self.text(since)[-3000:])

    def problems(self, since):
        """Every message of level WARN and above, with the lines that follow it (a stack trace)."""
        found, current = [], None
        for line in self.text(since).splitlines():
            head = HEAD.match(line)
            if head is None:
                if current is not None:
                    current.append(line)
                continue
            current = [f"{head[1]} {head[2]}: {head[3]}"] if head[1] in ("WARN", "ERROR", "FATAL") else None
            if current is not None:
                found.append(current)
        return ["\n".join(lines) for lines in found]


def unexplained(messages, groups):
    """Fails for a message that no allowed pattern explains."""
    allowed = [re.compile(row[0]) for rows in (ALWAYS, *(EXPLAINED[g] for g in groups)) for row in rows]
    strange = {m[:1500] for m in messages if not any(p.match(m) for p in allowed)}
    assert not strange, "not explained:\n" + "\n".join(sorted(strange))
