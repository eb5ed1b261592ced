"""What it costs to send one frame to thousands of WebSocket clients, here and with others' servers."""
