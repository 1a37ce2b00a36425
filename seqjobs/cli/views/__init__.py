"""What commands print: tables, JSON, numbers and names as people read them."""
