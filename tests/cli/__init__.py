"""The command line: what each command prints and leaves with."""
