"""What other programs import: `demandcast.client`, a client of the REST API. The forecasting itself is not here."""
