"""How good a forecast is, how sure, and whether it may go into production: frames in, frames out."""
