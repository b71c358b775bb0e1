"""Headers that keep browsers from doing with an answer what nobody wants: `Hardening.add(headers, https)` sets them.

The Content-Security-Policy lets a page run the scripts of this server only, and those inline ones of Dash whose hashes
are known; styles may be inline, as Plotly, Mantine and AG Grid make them while they run.
"""

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders

FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=31536000"


class Hardening:
    """The headers of one app."""

    def __init__(self) -> None:
        self.policy = content_policy(())

    def allow_scripts(self, hashes: Iterable[str]) -> None:
        """Let pages run the inline scripts with these hashes, written as 'sha256-...' in quotes."""
        self.policy = content_policy(hashes)

    def add(self, headers: MutableHeaders, https: bool) -> None:
        """Set the headers where the answer does not set them itself."""
        for name, value in FIXED.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", self.policy)
        headers.setdefault("Cache-Control", "private, no-cache")
        if https:
            headers.setdefault("Strict-Transport-Security", HSTS)


def content_policy(hashes: Iterable[str]) -> str:
    """The Content-Security-Policy of pages."""
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *sorted(hashes))),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "frame-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
            "base-uri 'none'",
        )
    )
