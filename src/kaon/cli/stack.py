"""`kaon up` and `kaon down`: the lasting local stack."""

from .options import AsJson, Home


def up(as_json: AsJson = False, home: Home = None) -> None:
    """Start Prefect, MLflow and the web application, which stay until `kaon down`; later runs use them."""
    from kaon.artifacts import kaon_home
    from kaon.stack import up as start

    from .printed import print_json

    servers = start(kaon_home())
    if as_json:
        print_json(servers)
        return
    for server in servers:
        print(f"{server.name:<8} {server.url}{f'  ({server.note})' if server.note else ''}")


def down(as_json: AsJson = False, home: Home = None) -> None:
    """Stop what `kaon up` started."""
    from kaon.artifacts import kaon_home
    from kaon.stack import down as stop

    from .printed import print_json

    servers = stop(kaon_home())
    if as_json:
        print_json(servers)
        return
    for server in servers:
        print(f"{server.name:<8} {server.url} {server.note or 'stopped'}")
    if not servers:
        print("nothing was up")
