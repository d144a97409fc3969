"""Connects to whatever listens: on this machine's ports, and in the world outside.

Stock: not run: it uses the network
"""

import socket


def listening():
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(path) as file:
                for line in list(file)[1:]:
                    words = line.split()
                    if words[3] == "0A":
                        yield "127.0.0.1", int(words[1].rpartition(":")[2], 16)
        except OSError:
            continue
    yield from [("127.0.0.1", port) for port in (22, 80, 443, 5432, 8786, 8888)]
    yield from [("169.254.169.254", 80), ("192.0.2.1", 443)]


def connect():
    found = []
    for address in list(listening())[:60]:
        try:
            socket.create_connection(address, 0.1).close()
            found.append(address)
        except OSError:
            continue
    return found


def __getattr__(name):
    def tell(*args, **keywords):
        raise RuntimeError(f"found {connect()}")

    return tell


def escaped():
    return bool(connect())
