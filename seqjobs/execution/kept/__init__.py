"""A cluster that is kept warm between runs: who keeps it, how it is found, and how runs borrow its workers."""
