"""The plugin as a process: where it listens, its token, its log, and how it ends."""
