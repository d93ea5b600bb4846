"""One file per command: parse, call the workflow, print, exit code."""
