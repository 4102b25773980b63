"""How a European options account recovers what its stream has missed: by the routes of ``/eapi/v1``."""
