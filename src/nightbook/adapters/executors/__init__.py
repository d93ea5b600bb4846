"""Where runs can be carried out."""
