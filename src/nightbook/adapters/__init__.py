"""Plugins that come with Nightbook; nothing imports them, entry points name them."""
