"""`python -m jominy`: the command line."""

import sys

from jominy.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
