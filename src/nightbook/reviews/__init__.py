"""What a reviewer looks at: how two runs of a notebook differ."""
