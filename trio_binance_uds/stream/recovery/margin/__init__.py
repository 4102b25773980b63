"""How margin accounts, cross and isolated, recover what was missed: as spot does, by the routes of SAPI."""
