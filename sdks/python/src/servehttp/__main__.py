"""``python -m servehttp`` is ``servehttp-plugin``."""

from .serve.command import main

main()
