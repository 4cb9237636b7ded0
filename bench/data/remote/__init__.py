"""Data sets at a URL: listed by a child process, copied once."""
