"""One exchange, from its carrier to the handler and back, and what a handler sees of it."""
