"""Receipt and invoice lines: their options, which of them count, and their sums by period."""
