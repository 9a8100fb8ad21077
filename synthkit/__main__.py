"""``python -m synthkit`` is ``synth``."""

from synthkit.cli.main import main

if __name__ == "__main__":
    main()
