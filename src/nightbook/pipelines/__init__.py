"""The stages of a project, the data between them, and what of it is up to date."""
