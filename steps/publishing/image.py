"""From a bundle to an image that passed its checks, and to the container that serves."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kaon.artifacts import Digest, Json, canonical_json
from kaon.artifacts.publications import NotReady, ServesElsewhere, Skew, labels
from kaon.artifacts.publications.container import trial
from kaon.artifacts.publications.engine import NoEngine, engine
from kaon.artifacts.publications.golden import golden_of, replay
from kaon.artifacts.publications.history import add_event
from kaon.artifacts.publications.images import tag
from kaon.artifacts.publications.promotion import put_in_service
from kaon.artifacts.publications.served import refuse_another_home
from kaon.dsl import current_step

from .base_image import base_image, found_base, machine_of
from .build import build, image_made_by
from .context import Recipe, build_context
from .errors import NoImageHere, NotPublishable
from .machine import Machine
from .manifest import manifest_of, set_state
from .push import push
from .server_code import code_digest, dockerfile, requirements, server_code
from .shipment import Check, Shipment, Shipping
from .stopwatch import Stopwatch
from .wheels import collect_wheels

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be published, how, and where."""

    client: "DockerClient"
    home: Path
    name: str
    bundle: Path
    shipping: Shipping
    watch: Stopwatch


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What an image is made from."""

    base: str
    recipe: Recipe
    notes: tuple[str, ...]


def ship(
    home: Path, name: str, bundle: Path, shipping: Shipping, *, champion: bool, tags: tuple[str, ...] = ("challenger",)
) -> Shipment:
    """Publish a bundle as an image, where that is wanted and can be; the caller holds the lock of the name.

    The image is built, or found if the same was built before; its server must become ready and answer the golden
    requests as was computed offline. Then it is tagged and pushed, and a champion takes the place of what serves.

    tags: of the image besides its version; a champion gets `champion` once it serves.
    Raises NotPublishable or EngineError; what serves goes on serving then.
    """
    if shipping.publisher == "bundle":
        return Shipment("bundle", notes=("published as a bundle alone, as publish.publisher=bundle asks",))
    try:
        with engine() as client:
            order = _Order(client, home, name, bundle, shipping, Stopwatch())
            refuse_another_home(client, home, name)
            with order.watch.stage("prepare"):
                prepared = _prepared(order)
            return _shipped(order, prepared, champion=champion, tags=tags)
    except (NoImageHere, ServesElsewhere, NoEngine) as error:
        if shipping.publisher == "docker":
            raise
        why = f"published as a bundle alone, not as an image: {error.problem}: {error.why}; {error.fix}"
        current_step().log(why)
        return Shipment("bundle", notes=(why,))


def _prepared(order: _Order) -> _Prepared:
    base = base_image(order.shipping.base_image)
    base_id = found_base(order.client, base)
    machine = machine_of(order.client, base)
    notes: tuple[str, ...] = ()
    if machine != Machine.here():
        notes = (f"the base image {base} is {machine}, this machine {Machine.here()}: wheels come from pip's index",)
    wheels = collect_wheels(requirements(), machine, order.home / "cache" / "wheels")
    return _Prepared(base, Recipe(Digest(base_id), dockerfile(), wheels, server_code(), order.bundle), notes)


def _shipped(order: _Order, prepared: _Prepared, *, champion: bool, tags: tuple[str, ...]) -> Shipment:
    client, name, registry, watch = order.client, order.name, order.shipping.registry, order.watch
    image, existed = _image(order, prepared)
    with watch.stage("check"):
        checks = _checked(order, image, existed)
    tags = tag(client, image, name, (order.bundle.name, *tags), registry)
    digest = _pushed(order, tags)
    add_event(order.home, name, "published", order.bundle.name, image=image, details={"digest": digest})
    shipment = Shipment(
        published_as="image",
        existed=existed,
        image=image,
        digest=digest,
        tags=tags,
        size=int(client.images.get(image).attrs["Size"]),
        checks=checks,
        notes=prepared.notes,
    )
    if champion:
        shipment = _served(order, shipment)
    return replace(shipment, seconds=watch.seconds())


def _served(order: _Order, shipment: Shipment) -> Shipment:
    """Let the image serve, and return what is known of that besides."""
    client, name, registry = order.client, order.name, order.shipping.registry
    with order.watch.stage("promote"):
        served, notes = put_in_service(client, order.home, name, order.bundle.name, shipment.image, order.shipping.port)
    tags = tag(client, shipment.image, name, ("champion",), registry)
    _pushed(order, tags)
    return replace(
        shipment,
        tags=(*shipment.tags, *tags),
        url=served.url,
        container=served.container,
        notes=(*shipment.notes, *notes),
    )


def _pushed(order: _Order, tags: tuple[str, ...]) -> str:
    """Return what the registry knows the image by, empty where none is set."""
    if not order.shipping.registry:
        return ""
    with order.watch.stage("push"):
        return push(order.client, tags, order.shipping.registry)


def _image(order: _Order, prepared: _Prepared) -> tuple[str, bool]:
    """Return the id of the recipe's image, and whether it was made before."""
    recipe = prepared.recipe.digest()
    if (made := image_made_by(order.client, recipe)) is not None:
        return made, True
    marks = _marks(order, prepared.recipe) | {labels.RECIPE: recipe}
    with (
        order.watch.stage("build"),
        build_context(prepared.recipe, order.home / "cache") as context,
    ):
        return build(order.client, context, prepared.base, marks), False


def _marks(order: _Order, recipe: Recipe) -> dict[str, str]:
    manifest = manifest_of(order.bundle)
    return {
        labels.NAME: order.name,
        labels.VERSION: order.bundle.name,
        labels.RUN: _text(manifest.get("run")),
        labels.PLAN: _text(manifest.get("plan")),
        labels.METRICS: canonical_json(manifest.get("metrics", {})).decode(),
        labels.CODE: code_digest(recipe.code),
    }


def _checked(order: _Order, image: str, existed: bool) -> tuple[Check, ...]:
    """Return what the image's server was checked for; one that fails is removed, and the bundle is refused."""
    golden = golden_of(order.bundle)
    try:
        with trial(order.client, image, order.name, order.bundle.name) as url:
            current_step().status(f"{len(golden)} golden requests")
            replayed = replay(url, golden)
    except (Skew, NotReady) as error:
        reasons = (f"{error.problem}: {error.why.partition(chr(10))[0]}",)
        set_state(order.bundle, "refused", reasons)
        add_event(order.home, order.name, "refused", order.bundle.name, why=reasons[0])
        if not existed:
            order.client.images.remove(image, force=True)
        raise NotPublishable(error.problem, where=error.where, why=error.why, fix=error.fix) from error
    told = f"{replayed.requests} requests, {replayed.scores} scores, off by {replayed.largest_difference:.2g} at most"
    return (Check("ready", True, "GET /readyz is answered with 200"), Check("golden requests", True, told))


def _text(value: Json) -> str:
    return "" if value is None else str(value)
