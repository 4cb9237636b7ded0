"""Jobs: messages between the parent and a child process, the process, and what a person sees of its progress."""
