"""How a spot account recovers what its stream has missed: by the queries of the WebSocket API."""
