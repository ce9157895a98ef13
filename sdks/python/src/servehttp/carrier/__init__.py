"""Brings exchanges from the host and back: over ServeHTTPMux, or one ServeHTTP each."""
