"""Twelve features of made-up sales by several engines, read and write included (see __main__)."""
