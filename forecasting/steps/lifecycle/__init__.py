"""The life of bundle versions: who forecasts and why, promotion by hand, rollback, and whether a version is sound."""
