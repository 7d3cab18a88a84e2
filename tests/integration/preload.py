"""Faults of the machine under the tool's feet: run in its process before its first statement.

Python imports a module called `sitecustomize` at start-up, if there is one. `preload` writes one
and puts it on the child's PYTHONPATH; what it does there is real to everything that runs later.
"""

from collections.abc import Mapping
from pathlib import Path

#: Every look-up blocks for ever, in C and out of reach of signals, as glibc's does while its name
#: servers are silent: a mutex that is taken twice, which unlike a sleep no signal interrupts.
NO_NAME_SERVER_ANSWERS = """
import ctypes, socket
libc = ctypes.CDLL(None)
held = ctypes.create_string_buffer(256)
libc.pthread_mutex_init(held, None)
libc.pthread_mutex_lock(held)
def getaddrinfo(*args, **kwargs):
    libc.pthread_mutex_lock(held)
socket.getaddrinfo = getaddrinfo
"""

#: Every look-up says for certain that there is no such name.
NO_SUCH_NAME = """
import socket
def getaddrinfo(*args, **kwargs):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
socket.getaddrinfo = getaddrinfo
"""

#: The first look-up says that the name servers cannot be asked just now; later ones work.
NAME_SERVER_FAILS_ONCE = """
import socket
really = socket.getaddrinfo
def getaddrinfo(*args, **kwargs):
    socket.getaddrinfo = really
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
socket.getaddrinfo = getaddrinfo
"""


def resolving(*addresses: str) -> str:
    """Every name has these addresses, in this order."""
    return f"""
import socket
really = socket.getaddrinfo
def getaddrinfo(host, *args, **kwargs):
    return [found for address in {addresses!r} for found in really(address, *args, **kwargs)]
socket.getaddrinfo = getaddrinfo
"""


def signal_on_import(number: int, module: str) -> str:
    """The process gets this signal at the moment it imports a module for the first time."""
    return f"""
import os, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), {number})
        return None
sys.meta_path.insert(0, Finder())
"""


def failing_import(module: str) -> str:
    """A module is missing from the installation."""
    return f"""
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
        return None
sys.meta_path.insert(0, Finder())
"""


def files_up_to(size: int) -> str:
    """No file can grow over `size` bytes; the write fails, as on a full disk."""
    return f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
"""


def preload(env: Mapping[str, str], folder: Path, source: str) -> dict[str, str]:
    """The environment with which the tool runs `source` first; `folder` keeps the module."""
    place = folder / "preload"
    place.mkdir()
    (place / "sitecustomize.py").write_text(source, encoding="utf-8")
    return dict(env) | {"PYTHONPATH": str(place)}
