"""Every surface: the chat, the command line and the generated documentation."""
