"""The smallest Django project around django-helpdesk, to measure it beside ours. Runs in a venv of its own."""
