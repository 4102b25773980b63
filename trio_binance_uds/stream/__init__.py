"""Many links over time: the supervisor, the handover between links, the buffer, and the stream that the user reads."""
