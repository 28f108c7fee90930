"""The pages, the JSON API and what is pushed live."""
