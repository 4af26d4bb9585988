"""`python -m bnbank` is `bnbank`."""

import sys

from bnbank.cli import main

sys.exit(main())
