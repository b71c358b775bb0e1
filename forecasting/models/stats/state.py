"""The state of a fitted StatsForecast object as JSON numbers, enough for its `forward` to work.

`pack` takes the object and returns {name: plain value}; `unpack` sets this on an unfitted object in place and returns
nothing; `named_coefficients` takes what `pack` returned and returns {name: number}. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

REGRESSOR = "ex_"


def can_forward(cls: type, options: dict[str, Any]) -> bool:
    """Whether stored coefficients of the class can be used again: it has `forward`, and `forward` heeds the options.

    Theta's `forward` ignores the type of decomposition and takes the multiplicative one.
    """
    has = hasattr(cls, "forward")
    return has and options.get("decomposition_type", "multiplicative") == "multiplicative"


def pack(model: Any) -> dict[str, Any]:
    """The numbers behind a fitted object; empty for a class that has none (Naive)."""
    if hasattr(model, "trend_forecaster"):  # MSTL: the seasonal parts are taken from the history
        return {"trend": pack(model.trend_forecaster)}
    fitted = getattr(model, "model_", None)
    if not isinstance(fitted, dict):
        return {}
    if "arma" in fitted:
        return _pack_arima(fitted)
    if "components" in fitted:
        return {k: _plain(fitted[k]) for k in ("components", "m", "par", "n_params")}
    if "par" in fitted:
        return {k: _plain(fitted[k]) for k in ("m", "seasontype", "modeltype", "par") if k in fitted}
    return {}


def unpack(model: Any, params: dict[str, Any]) -> None:
    """Set the state that `pack` returned on an unfitted object, so that `forward` can be called."""
    if "trend" in params:
        model.trend_forecaster = model.trend_forecaster.new()
        unpack(model.trend_forecaster, params["trend"])
    elif "arma" in params:
        model.model_ = _unpack_arima(params)
    elif "components" in params:
        model.model_ = {**params, "par": np.array(params["par"], dtype=float), "fit": None}
    elif params:
        model.model_ = dict(params)


def named_coefficients(params: dict[str, Any], regressors: Sequence[str]) -> dict[str, float]:
    """Every estimated number by its name; the coefficient of a regressor has the name of its column."""
    if "trend" in params:
        return named_coefficients(params["trend"], regressors)
    if "arma" in params:
        columns = {f"{REGRESSOR}{i + 1}": name for i, name in enumerate(regressors)}
        return {columns.get(k, k): v for k, v in params["coef"].items()} | {"sigma2": params["sigma2"]}
    par = params.get("par", {})
    named_par = par if isinstance(par, dict) else dict(zip(_ets_names(len(par)), par, strict=True))
    return {k: v for k, v in named_par.items() if v is not None and np.isfinite(v)}


def _ets_names(n: int) -> list[str]:
    return ["alpha", "beta", "gamma", "phi", *(f"state_{i}" for i in range(n - 4))]


def _pack_arima(fitted: dict[str, Any]) -> dict[str, Any]:
    wide = 0 if fitted["xreg"] is None else fitted["xreg"].shape[1]
    numbers = {k: _plain(fitted[k]) for k in ("arma", "coef", "sigma2")}
    return numbers | {"n": len(fitted["x"]), "wide": wide}


def _unpack_arima(params: dict[str, Any]) -> dict[str, Any]:
    """`forward` needs only the length of the old history, and the number and the drift of its regressors."""
    n, wide = params["n"], params["wide"]
    xreg = np.zeros((n, wide)) if wide else None
    if xreg is not None:
        xreg[:, 0] = np.arange(1, n + 1)
    return {**params, "arma": tuple(params["arma"]), "x": np.zeros(n), "xreg": xreg, "lambda": None}


def _plain(value: Any) -> Any:
    """The same without NumPy types."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value
