"""Runs that are carried out on another machine: both sides of an executor."""
