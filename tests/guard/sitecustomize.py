"""Refuses every connection beyond this machine, in the test process and in every Python program it starts.

pytest puts this folder on PYTHONPATH; Python imports ``sitecustomize`` by itself at start.
"""

import ipaddress
import socket


class NetworkRefusedError(RuntimeError):
    """Somebody tried to leave the machine."""


def refuse(address):
    """Raise unless the address is this machine's."""
    host = address[0] if isinstance(address, tuple) else None
    if host is None or host in ("localhost", ""):
        return
    try:
        if ipaddress.ip_address(str(host).partition("%")[0]).is_loopback:
            return
    except ValueError:
        pass
    raise NetworkRefusedError(f"tests must stay on this machine; something wanted to reach {host!r}")


def install():
    """Put the guard in front of connects, datagrams and name look-ups; once."""
    if getattr(socket, "_guarded", False):
        return
    socket._guarded = True

    def guarded(name):
        original = getattr(socket.socket, name)

        def call(self, address, *rest):
            if self.family != socket.AF_UNIX:
                refuse(address)
            return original(self, address, *rest)

        return call

    socket.socket.connect = guarded("connect")
    socket.socket.connect_ex = guarded("connect_ex")
    look_up = socket.getaddrinfo

    def guarded_look_up(host, *rest, **named):
        if host not in (None, socket.gethostname(), "0.0.0.0", "::"):
            refuse((host.decode() if isinstance(host, bytes) else host, 0))
        return look_up(host, *rest, **named)

    socket.getaddrinfo = guarded_look_up


install()
