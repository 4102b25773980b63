"""What the tests share: peers that can be scripted, and cancellation at every step."""
