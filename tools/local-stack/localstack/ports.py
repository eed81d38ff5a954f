"""Free ports below the kernel's ephemeral range.

A port from bind(0) can be taken as somebody's *outgoing* port between two starts of the same service; the ones below that
range cannot, and a broker restarted in place gets its port back.
"""

import random
import socket

LOW, HIGH = 12000, 30000

# The ports and host names in the users' own configuration files; usable inside a namespace of our own.
FIXED = {
    "kafka": 9092,
    "kafka-controller": 9093,
    "registry": 8081,
    "registry-native": 8082,
    "postgres": 5432,
    "vault": 8200,
    "sqlserver": 1433,
    "connect": 8083,
    "metrics": 9102,
}


def free_ports(count, host="127.0.0.1"):
    """Distinct free ports; all are held until the last is found, so two of them are never the same."""
    held, rng = [], random.SystemRandom()
    try:
        for _ in range(count * 200):
            if len(held) == count:
                break
            s = socket.socket()
            try:
                s.bind((host, rng.randrange(LOW, HIGH)))
            except OSError:
                s.close()
                continue
            held.append(s)
        else:
            raise RuntimeError(f"no {count} free ports between {LOW} and {HIGH}")
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


def accepts(port, host="127.0.0.1", timeout=0.5):
    try:
        socket.create_connection((host, port), timeout).close()
        return True
    except OSError:
        return False
