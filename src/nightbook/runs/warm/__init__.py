"""Warm processes: what takes seconds to load is loaded once, and a fork of it does the work."""
