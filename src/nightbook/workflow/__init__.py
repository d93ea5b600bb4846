"""The stories: one module each, one verb a line."""
