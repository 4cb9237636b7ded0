"""Jobs: messages between the parent and a child process, the child process, and the display of progress."""
