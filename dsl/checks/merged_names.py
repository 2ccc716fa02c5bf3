from collections.abc import Iterator

from ..errors import Problem
from ..scope import Facts


def merged_names(facts: Facts) -> Iterator[Problem]:
    """Yield names that two parallel branches provide, so that after the join nobody could say which is meant."""
    for merge in facts.merges:
        first, second = merge.offers[0], merge.offers[1]
        renamed = f"{second.name}_of_{second.by}" if second.by.isidentifier() else f"other_{second.name}"
        yield Problem(
            f"two parallel branches provide {merge.name!r}",
            second.where,
            why=f"{first.by} provides '{first}' at {first.where}, and {second.by} provides '{second}' here; "
            "after the join the name is ambiguous",
            fix=f'rename one: {second.by}.rename({merge.name}="{renamed}")',
        )
