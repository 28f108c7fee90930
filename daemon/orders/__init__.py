"""What happens to work, decided without any I/O: missed-call items, orders, templates."""
