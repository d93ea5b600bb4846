"""One execution of a notebook: supervised, recorded, tracked, reported."""
