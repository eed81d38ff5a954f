"""The services that connectd talks to, real ones where they can be had, started privately for tests and for `make demo`.

    stack.py      which services, on which ports, in which directory; up and down
    component.py  what every service has in common: ports, process, readiness, log
    kafka.py postgres.py registry.py vault.py sqlserver.py jvmworker.py   one service each
    clients/       for talking to them: Connect REST, topics and records, databases
    process.py    a child with a pid file that is ended exactly once, and only if it is still ours
    waiting.py    the one place that polls
    fetch.py      pinned downloads, checked and cached outside the tree
    namespace.py  a network and mount namespace in which the users' own host names and ports work

Standard library only: this package runs before any virtual environment exists.
"""
