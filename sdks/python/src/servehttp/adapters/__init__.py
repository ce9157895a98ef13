"""What serves exchanges: native handlers, ASGI applications, WSGI applications."""
