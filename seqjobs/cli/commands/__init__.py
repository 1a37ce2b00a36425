"""One file a command, each with a `command` that main.py imports when it is asked for."""
