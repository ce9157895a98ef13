"""The small response of the bench's plugin, by a Starlette application: as a plugin, or with
``--direct SOCKET`` on uvicorn, on a unix socket."""

import socket
import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def small(request: Request) -> PlainTextResponse:
    return PlainTextResponse("Hello, world\n")


app = Starlette(routes=[Route("/small", small)])


def serve_directly(path: str) -> None:
    import uvicorn

    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(4_096)
        print("{}", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    serve_directly(sys.argv[2])
