"""The wire, without I/O: frames in and values out, requests out, signing text, JSON."""
