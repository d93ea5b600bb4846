"""What a reviewer looks at and says: how two runs differ, what is signed and with which keys, what suffices."""
