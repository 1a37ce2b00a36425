"""The command line: parses, makes one call, prints; results on stdout, all else on stderr."""
