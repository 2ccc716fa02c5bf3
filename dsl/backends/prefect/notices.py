"""How a Prefect server tells people something: by a URL that takes JSON, or by one of its notification blocks."""

from typing import TYPE_CHECKING

from ...errors import Problem

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.events.actions import CallWebhook, SendNotification

WEBHOOK = "kaon-notify"
"""The name of the block that holds the URL."""
LINK = "{{ flow_run|ui_url }}"


class NotifyError(Exception):
    """Nobody can be told: what is wrong with the address, why, and the mend."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(str(Problem(what, why=why, fix=fix)))


def action_that_tells(client: "SyncPrefectClient", whom: str, text: str) -> "CallWebhook | SendNotification":
    """Return the action of an automation that tells somebody of a flow run.

    whom: a URL, or `<block type>/<name>` of a notification block.
    text: a Jinja expression over `flow` and `flow_run`, such as `flow.name ~ " failed"`.

    Raises NotifyError if there is no such block.
    """
    from prefect.events.actions import CallWebhook, SendNotification

    if whom.startswith(("http://", "https://")):
        block = client.read_block_document_by_name(WEBHOOK, "webhook")
        return CallWebhook(block_document_id=block.id, payload=_payload(text))
    return SendNotification(
        block_document_id=_notification_block(client, whom),
        subject=f"{{{{ {text} }}}}",
        body=f"{{{{ flow_run.name }}}}: {LINK}",
    )


def keep_address(client: "SyncPrefectClient", whom: str) -> str:
    """Have the server hold the URL, and return a line that says so; empty if it holds it already, or it is a block."""
    from prefect.blocks.webhook import Webhook
    from prefect.exceptions import ObjectNotFound

    if not whom.startswith(("http://", "https://")):
        return ""
    try:
        found = client.read_block_document_by_name(WEBHOOK, "webhook", include_secrets=True)
    except ObjectNotFound:
        found = None
    if found is not None and found.data.get("url") == whom:
        return ""
    block = Webhook(url=whom, headers={"Content-Type": "application/json"})  # type: ignore[arg-type]
    block.save(WEBHOOK, overwrite=True, _sync=True)  # type: ignore[call-arg]
    return f"{'changed' if found is not None else 'made'} the block {WEBHOOK!r}: where to tell of runs"


def _payload(text: str) -> str:
    """Return the template of the JSON that is posted; `text` is the key that Slack and Mattermost show."""
    values = {
        "text": text,
        "workflow": "flow.name",
        "flow_run": "flow_run.id",
        "state": "flow_run.state.name",
        "message": 'flow_run.state.message or ""',
        "scheduled": "flow_run.expected_start_time",
        "url": "flow_run|ui_url",
    }
    fields = (f'"{name}": {{{{ ({expression})|string|tojson }}}}' for name, expression in values.items())
    return "{" + ", ".join(fields) + "}"


def _notification_block(client: "SyncPrefectClient", whom: str) -> "UUID":
    from prefect.exceptions import ObjectNotFound

    block_type, _, name = whom.partition("/")
    try:
        return client.read_block_document_by_name(name, block_type).id
    except (ObjectNotFound, ValueError):
        raise NotifyError(
            f"there is no notification block {whom!r} on the Prefect server",
            why="KAON_NOTIFY is a URL that takes JSON by POST, or <block type>/<name> of one of Prefect's blocks",
            fix="make the block in Prefect's UI (Blocks), or give a URL: https://…",
        ) from None
