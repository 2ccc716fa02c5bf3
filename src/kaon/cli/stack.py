"""`kaon up` and `kaon down`: the lasting local stack."""

from .options import AsJson, Home


def up(as_json: AsJson = False, home: Home = None) -> None:
    """Start Prefect, MLflow, the web application, and a process that executes what is launched and scheduled.

    They stay until `kaon down`; later runs use them.
    """
    from kaon.artifacts import kaon_home
    from kaon.dsl.backends.prefect.worker_process import start_worker
    from kaon.stack import up as start

    from .printed import print_json

    servers = start(kaon_home())
    started = start_worker(kaon_home())
    if as_json:
        print_json(servers)
        return
    for server in servers:
        print(f"{server.name:<8} {server.url}{f'  ({server.note})' if server.note else ''}")
    print(f"{'Worker':<8} {'executes what is launched and scheduled' if started else 'was up already'}")


def down(as_json: AsJson = False, home: Home = None) -> None:
    """Stop what `kaon up` started."""
    from kaon.artifacts import kaon_home
    from kaon.dsl.backends.prefect.worker_process import stop_worker
    from kaon.stack import down as stop

    from .printed import print_json

    worked = stop_worker(kaon_home())
    servers = stop(kaon_home())
    if as_json:
        print_json(servers)
        return
    if worked:
        print(f"{'Worker':<8} stopped")
    for server in servers:
        print(f"{server.name:<8} {server.url} {server.note or 'stopped'}")
    if not servers and not worked:
        print("nothing was up")
