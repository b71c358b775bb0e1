"""demandcast: sales and demand forecasting that runs in production."""
