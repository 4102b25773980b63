"""The REST API, as far as streams need it: keys, tokens, clocks, and the queries of recovery.

It is imported only for the products that need it.
"""
