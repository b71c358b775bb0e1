"""The commands of operations: versions of the model, forecasts made again, deployments on a server."""
