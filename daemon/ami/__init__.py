"""Asterisk's Manager Interface: a safe link, translation to events, one ordered consumer."""
