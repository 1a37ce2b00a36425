"""What is asked of seqjobs itself, each in a process of its own that prints one line of JSON."""
