"""`kaon ui`: the web application, until Ctrl-C."""

from typing import Annotated

import typer

from .options import Home
from .refusals import CallError

PORT = 4300


def ui(
    host: Annotated[
        str, typer.Option(help="Address to listen at; any but the loopback demands a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 for any that is free.")] = PORT,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="KAON_UI_TOKEN", help="What whoever opens a page must know.", show_default="none, or a new one"
        ),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    home: Home = None,
) -> None:
    """Serve the web application over this home's runs and artifacts, until Ctrl-C.

    It listens on the loopback, where only this machine reaches it. At any other address it demands a token: one that
    is given, or a new one, which it prints. It finds the Prefect and MLflow servers that `kaon up` has started.
    """
    import secrets

    from kaon.artifacts import kaon_home
    from kaon.artifacts.tracking.place import tracking_uri
    from kaon.artifacts.web import create_app
    from kaon.artifacts.web.security.hosts import is_loopback, names_of
    from kaon.artifacts.web.serving import listening, serve
    from kaon.stack import prefect_api

    if token is not None and len(token) < 16:
        raise CallError("the token is shorter than 16 characters", why="it could be guessed", fix="leave --token out")
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(24)
        print(f"others can reach {host}, so every page demands this token: {token}", flush=True)
    try:
        listener = listening(host, port)
    except OSError as error:
        raise CallError(f"cannot listen at {host} port {port}", why=str(error), fix="kaon ui --port 0") from error
    at = kaon_home()
    app = create_app(
        at / "store",
        prefect_url=lambda: prefect_api(at),
        mlflow_uri=tracking_uri(),
        token=token,
        hosts=names_of(host),
    )
    url = f"http://{_shown(host)}:{listener.getsockname()[1]}"
    print(f"{url}   {kaon_home()}; Ctrl-C ends it", flush=True)
    if open_browser:
        import webbrowser

        webbrowser.open(url if token is None else f"{url}/?token={token}")
    serve(app, [listener])


def _shown(host: str) -> str:
    """Return the address as a URL has it.

    >>> _shown("0.0.0.0") != "0.0.0.0", _shown("::1")
    (True, '[::1]')
    """
    import socket

    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
