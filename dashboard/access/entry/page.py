"""The page where people sign in: `sign_in_page(...)` returns its HTML, `HEADERS` what it is sent with.

It needs no script, and no file that only those who are signed in may have.
"""

import hashlib
from base64 import b64encode
from html import escape

STYLE = """
:root { color-scheme: light dark; font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f6f7f9, #15191f);
  color: light-dark(#1f2933, #e6eaee); }
main { width: min(22rem, 90vw); padding: 2rem; border-radius: 8px; background: light-dark(#fff, #1d2229);
  border: 1px solid light-dark(#dfe4ea, #353c46); }
h1 { margin: 0 0 1.25rem; font-size: 1.25rem; }
label { display: block; margin-bottom: 1rem; font-size: 0.875rem; }
input { display: block; box-sizing: border-box; width: 100%; margin-top: 0.25rem; padding: 0.5rem; font: inherit;
  border: 1px solid light-dark(#8a95a1, #6b7683); border-radius: 4px; }
button, .provider { display: block; box-sizing: border-box; width: 100%; padding: 0.6rem; font: inherit; border: 0;
  border-radius: 4px; background: #0067a1; color: #fff; text-align: center; text-decoration: none; cursor: pointer; }
.provider { margin-bottom: 1.25rem; }
:focus-visible { outline: 3px solid light-dark(#0072b2, #56b4e9); outline-offset: 2px; }
.wrong { margin: 0 0 1rem; color: light-dark(#a40000, #ff9d94); }
"""
STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}
PASSWORD_FORM = """<form method="post" action="/sign-in">
<input type="hidden" name="next" value="{wanted}">
<label>Name <input name="name" autocomplete="username" required autofocus maxlength="100"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button>
</form>"""


def sign_in_page(job: str, wanted: str, wrong: str = "", provider: str = "") -> str:
    """The page; `wanted` is where to go afterwards, `provider` the address of another way to sign in."""
    message = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    other = f'<a class="provider" href="{escape(provider)}">Sign in with your organisation</a>' if provider else ""
    form = PASSWORD_FORM.format(wanted=escape(wanted))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in · demandcast</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>
<body><main><h1>demandcast · {escape(job)}</h1>{message}{other}{form}</main></body></html>"""
