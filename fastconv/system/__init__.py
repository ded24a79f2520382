"""The operating system: ordinary files, Ctrl-C, forked processes; and numbers with their nouns."""
