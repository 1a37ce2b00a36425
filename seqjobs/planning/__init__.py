"""Planning: validated jobs -> what will run, with IDs, seeds and order. Pure; this file imports nothing."""
