"""``python -m kamerton`` is ``kamerton``."""

from kamerton.cli import main

if __name__ == "__main__":
    main()
