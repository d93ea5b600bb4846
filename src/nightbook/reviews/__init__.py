"""Reviews: what is signed, with which keys, whom a project trusts, and what suffices for an approval."""
