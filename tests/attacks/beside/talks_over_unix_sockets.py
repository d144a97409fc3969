"""Connects to sockets that have a path or an abstract name: the session's, the container engine's, anybody's.

Stock: not run: it uses the network
"""

import socket

KNOWN = ["/run/docker.sock", "/var/run/docker.sock", "/run/dbus/system_bus_socket", "/tmp/.X11-unix/X0"]


def names():
    yield from KNOWN
    try:
        with open("/proc/net/unix") as file:
            for line in list(file)[1:5000]:
                words = line.split()
                if len(words) > 7:
                    yield words[7].replace("@", "\0", 1) if words[7].startswith("@") else words[7]
    except OSError:
        return


def connect():
    found = []
    for name in names():
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
                one.settimeout(0.1)
                one.connect(name)
                found.append(name)
        except OSError:
            continue
    return found


def __getattr__(name):
    def tell(*args, **keywords):
        raise RuntimeError(f"found {connect()}")

    return tell


def escaped():
    return bool(connect())
