"""Nightbook inside JupyterLab."""
