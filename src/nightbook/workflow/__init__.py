"""The stories that users tell, one module each."""
