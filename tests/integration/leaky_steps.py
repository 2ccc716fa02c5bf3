"""Steps that do with a secret what they should not: print it, log it, warn of it, raise it, in every place."""

import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping

from kaon import Process, Secret, current_step, for_each, secret, shell_step, step, workflow

PASSWORD = secret("KAON_PLANTED_SECRET")


def tell_everybody(password: Secret) -> int:
    value = password.reveal()
    print(f"printed {value}")
    print(f"printed to stderr {value}", file=sys.stderr)
    logging.getLogger("leaky").warning("logged %s", value)
    logging.getLogger("prefect.task_runs").warning("logged to prefect %s", value)
    warnings.warn(f"warned of {value}", stacklevel=1)
    current_step().log(f"told {value}")
    current_step().status(f"status {value}")
    current_step().progress(0.5, f"progress {value}")
    thread = threading.Thread(target=print, args=(f"printed by a thread {value}",))
    thread.start()
    thread.join()
    print(subprocess.run(["printenv", password.secret], capture_output=True, text=True, check=True).stdout)
    return len(value)


@step(output="here")
def leak_here(*, password: Secret = PASSWORD) -> int:
    return tell_everybody(password)


@step(output="apart", place=Process())
def leak_apart(*, password: Secret = PASSWORD) -> int:
    return tell_everybody(password)


@step(output="many")
def count(*, width: int = 120) -> list[int]:
    return list(range(width))


@step(output="wide")
def leak_wide(number: int, *, password: Secret = PASSWORD) -> int:
    return number + (tell_everybody(password) if number % 40 == 0 else 0)


@step(output="raised", retries=1)
def raise_here(*, password: Secret = PASSWORD) -> int:
    raise ValueError(f"raised with {password.reveal()}")


@step(output="raised_apart", place=Process())
def raise_apart(*, password: Secret = PASSWORD) -> int:
    try:
        raise KeyError(password.reveal())
    except KeyError as error:
        raise RuntimeError("the cause has it") from error


@step(output="raised_wide")
def raise_wide(number: int, *, password: Secret = PASSWORD) -> int:
    if number == 7:
        raise ValueError(password.reveal())
    return number


@step(output="returned")
def return_it(*, password: Secret = PASSWORD) -> str:
    return password.reveal()


@step(output="named")
def pass_on(*, password: Secret = PASSWORD) -> Secret:
    return password


@step(output="sum")
def use(named: Secret, wide: Mapping[int, int]) -> int:
    return len(named.reveal()) + len(wide)


leak_shell = shell_step(
    "echo shelled $TOKEN; echo shelled to stderr $TOKEN >&2; echo 1 > {shelled}",
    shell=True,
    env={"TOKEN": PASSWORD},
    outputs={"shelled": int},
    name="leak_shell",
)
raise_shell = shell_step(
    "echo a command fails with $TOKEN >&2; exit 3; {never}",
    shell=True,
    env={"TOKEN": PASSWORD},
    outputs={"never": int},
    name="raise_shell",
)

leaky = workflow(
    "leaky",
    [leak_here, leak_apart, leak_shell, pass_on, count >> for_each(number="many").do(leak_wide)] >> use,
)
failing = workflow(
    "failing",
    [raise_here, raise_apart, raise_shell, return_it, count >> for_each(number="many").do(raise_wide)],
)
