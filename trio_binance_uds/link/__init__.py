"""One live subscription lives here: the transport under it, requests and answers on it, REST, and leases.

Imports point down: ``stream`` builds on this room, and this room on ``wire``, ``products``, ``credentials``,
``errors`` and ``events``. The WebSocket libraries are imported in :mod:`~trio_binance_uds.link.transport` only.
"""
