"""How a futures account recovers what its stream has missed: by the queries of the REST API, USD-M and COIN-M alike."""
