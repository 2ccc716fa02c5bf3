"""The process that is a home's Prefect server, started by path: `python -P serve.py FOLDER PORT LOCK`.

FOLDER  the server's folder (`<home>/prefect`); the environment says where its database lies
PORT    the port to listen on; another free one is taken if it is in use, and any free one for 0
LOCK    an inherited file descriptor, held locked for as long as this process lives

It imports nothing of Kaon, since every import delays the moment at which a run can begin. It leaves the process that
started it at once, writes its address to FOLDER/server.json, and ends by itself when no run has used it for a minute.
"""

import fcntl
import gc
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import IO

UNUSED_SECONDS = 60.0
LOOK_EVERY = 5.0


def main(folder: Path, port: int) -> None:
    """Serve until told to stop, or until nobody has used the server for UNUSED_SECONDS."""
    if os.fork():
        os._exit(0)
    gc.disable()  # the imports make half a million objects and no garbage: a fifth of the time to start
    listening = listen(port)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
    os.environ["PREFECT_SERVER_UI_API_URL"] = url
    write_address(folder / "server.json", url)

    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app(final=True)
    gc.freeze()
    gc.enable()
    threading.Thread(target=end_when_unused, args=(folder, url), daemon=True).start()
    config = uvicorn.Config(app, log_level="warning", timeout_keep_alive=60, timeout_graceful_shutdown=3)
    uvicorn.Server(config).run(sockets=[listening])


def listen(port: int) -> socket.socket:
    """Return a socket on the loopback at `port`, or at a free port if that one is in use."""
    for candidate in (port, 0):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", candidate))
            listening.listen(128)  # whoever asks before the server is up waits for it, and is not refused
            return listening
        except OSError:
            listening.close()
            if candidate == 0:
                raise
    raise AssertionError("port 0 is bound, or refused with an error")


def write_address(path: Path, url: str) -> None:
    """Write who serves and where, for those who come later."""
    temporary = path.with_suffix(".json.new")
    temporary.write_text(json.dumps({"pid": os.getpid(), "url": url}))
    temporary.replace(path)


def end_when_unused(folder: Path, url: str) -> None:
    """End this process once neither a run nor the lasting stack has wanted it for UNUSED_SECONDS."""
    used = time.monotonic()
    while True:
        time.sleep(LOOK_EVERY)
        if _is_wanted(folder, url):
            used = time.monotonic()
        elif time.monotonic() - used >= UNUSED_SECONDS:
            decision = (folder / "server.lock").open("a")
            fcntl.flock(decision, fcntl.LOCK_EX)  # held until this process has ended: nobody is sent here meanwhile
            if not _is_wanted(folder, url):
                os.kill(os.getpid(), signal.SIGTERM)
                threading.Event().wait()
            decision.close()


def _is_wanted(folder: Path, url: str) -> bool:
    return _lasts(folder, url) or _is_held(folder / "users.lock")


def _lasts(folder: Path, url: str) -> bool:
    try:
        stack = json.loads((folder.parent / "stack.json").read_text())
    except (OSError, ValueError):
        return False
    return bool(stack.get("prefect") == {"url": url, "pid": os.getpid()})


def _is_held(path: Path) -> bool:
    with path.open("a") as lock:
        return not _acquired(lock)


def _acquired(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
