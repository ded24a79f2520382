"""The operating system: ordinary files, Ctrl-C, forked processes."""
