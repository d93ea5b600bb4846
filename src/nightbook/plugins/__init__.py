"""What others can provide: interfaces, and the registry that loads them by name."""
