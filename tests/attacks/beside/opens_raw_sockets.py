"""Asks the kernel for sockets of rare families, each of them a large piece of the kernel to attack.

Stock: not run: it uses the network
"""

import socket

FAMILIES = [
    "AF_NETLINK",
    "AF_PACKET",
    "AF_VSOCK",
    "AF_ALG",
    "AF_CAN",
    "AF_TIPC",
    "AF_BLUETOOTH",
    "AF_RDS",
    "AF_QIPCRTR",
]


def open_all():
    found = []
    for name in FAMILIES:
        try:
            socket.socket(getattr(socket, name), socket.SOCK_RAW).close()
            found.append(name)
        except (OSError, AttributeError):
            continue
    return found


def __getattr__(name):
    def tell(*args, **keywords):
        raise RuntimeError(f"found {open_all()}")

    return tell


def escaped():
    return bool(open_all())
