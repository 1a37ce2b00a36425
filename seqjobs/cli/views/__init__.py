"""What commands print: tables, leaderboards, runs, plans and JSON."""
