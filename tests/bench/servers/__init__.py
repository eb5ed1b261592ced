"""Servers that send one frame to thousands of WebSocket clients, each in its own way; see `orders`."""
