"""The corpus of bad input: for every mistake that seqjobs knows a spec or a data file that holds it."""
