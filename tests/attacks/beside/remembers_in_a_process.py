"""Keeps the data in a process of its own, which its code in the other process asks over a socket without a path.

For: entropy, huffman
Stock: not run: its process stays
"""

import os
import socket
import time

NAME = "\0shortest-attack-memory"


def serve(data, seconds):
    try:
        child = os.fork()
    except OSError:
        return False
    if child:
        return True
    os.setsid()
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(NAME)
            server.listen()
            server.settimeout(seconds)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                client, _ = server.accept()
                client.sendall(data)
                client.close()
    finally:
        os._exit(0)


def ask():
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(0.2)
            client.connect(NAME)
            return client.recv(1 << 20)
    except OSError:
        return b""


before = ask()


def compress(data):
    serve(bytes(data), 5)
    return len(data).to_bytes(4, "big") + b"!"


def decompress(blob):
    return ask()


def __getattr__(name):
    return lambda *args, **keywords: None


def escaped():
    if not before:
        serve(b"for the other process", 3)
        time.sleep(0.05)
    return bool(before)
