"""The section about signing in: Access (the address that browsers use, how long a sign-in holds), Oidc (a provider).

Declarations only. Secrets are no keys: the provider's is read from the environment.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from forecasting.config.declarations import Section
from forecasting.config.value_types import StrictInt

HTTPS = r"^https://[^/?#@]+$|^http://(localhost|127\.0\.0\.1)(:\d+)?$"


class Oidc(Section):
    """Signing in at a provider of OpenID Connect, such as Keycloak, Entra ID or Google."""

    issuer: str = Field(
        pattern=r"^https://|^http://(localhost|127\.0\.0\.1)[:/]",
        description="Address of the provider, below which /.well-known/openid-configuration is found.",
    )
    client_id: str = Field(
        min_length=1,
        description="How the provider calls this program; its secret is read from the environment variable "
        "DEMANDCAST_OIDC_SECRET.",
    )
    scopes: tuple[str, ...] = Field(
        default=("openid", "profile", "email"), description="What is asked for; openid has to be among it."
    )
    name_claim: str = Field(
        default="preferred_username", description="The claim that is shown as the name of a user, and kept in logs."
    )
    role_claim: str = Field(default="groups", description="The claim whose values decide about the role.")
    roles: dict[Literal["viewer", "planner", "admin"], tuple[str, ...]] = Field(
        default_factory=dict,
        description="The values of role_claim that make a user a viewer, a planner or an admin; who has none of them "
        "is refused.",
    )


class Access(Section):
    """How people sign in."""

    public_url: str | None = Field(
        default=None,
        pattern=HTTPS,
        description="The address under which browsers reach the dashboard, where a proxy is before it: "
        "https://forecasts.example.com; null: that of the server itself.",
    )
    session_hours: StrictInt = Field(default=12, ge=1, description="Hours after which one has to sign in again.")
    requests_per_second: StrictInt | None = Field(
        default=200,
        ge=1,
        description="Requests that a user, a key, or an address of nobody known may send in a second, twice as many at "
        "once; more are answered by 429. null: no limit.",
    )
    oidc: Oidc | None = Field(
        default=None, description="A provider of OpenID Connect where people sign in; null: only with passwords."
    )
