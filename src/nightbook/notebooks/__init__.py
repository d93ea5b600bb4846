"""Notebooks as documents: reading them, their declared parameters, and what they may call while they run."""
