"""`python -m kaon.cli` is the command `kaon`."""

from . import main

if __name__ == "__main__":
    main()
