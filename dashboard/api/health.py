"""`routes(config)`: GET /health returns {status: ok, config: name}, for load balancers and monitors.

It tells that the process responds; the store is not looked at.
"""

from fastapi import APIRouter

from forecasting.config import Config


def routes(config: Config) -> APIRouter:
    """GET /health."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> dict[str, str]:
        """The process responds; reads nothing from the store."""
        return {"status": "ok", "config": config.name}

    return router
