"""What two calls share only if they make the same."""

from collections.abc import Collection, Mapping
from pathlib import Path

from kaon.artifacts import Digest, step_key
from kaon.artifacts.contents import contents_digest

from ..plan import Call, Json
from .references import Plain, Reference, digest


def key_of(call: Call, inputs: Mapping[str, Reference], *, paths: Collection[str], returned: Digest) -> Digest:
    """Return the digest of all that decides what a call makes: its code, settings and inputs.

    paths: the inputs that are paths of files or folders; returned: the digest of the outputs' names and types.
    """
    plain: dict[str, Json] = {}
    made = {"return": returned}
    for name, reference in inputs.items():
        if not isinstance(reference, Plain):
            made[name] = digest(reference)
        elif name in paths and reference.value is not None:  # it stands for the contents of what it names
            plain[name] = contents_digest(Path(reference.value))
        else:
            plain[name] = reference.value
    return step_key(step=call.function, code=Digest(call.code), settings=plain, inputs=made)
