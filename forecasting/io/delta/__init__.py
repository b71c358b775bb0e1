"""The one door to Delta Lake: snapshots (reading), commits (writing), rows (on their way in), conditions (filters).

Findings from running deltalake 1.6 with Polars 2.1:

- Predicates are SQL of DataFusion. A date needs `DATE '...'`, a column name backticks (else its capitals are lost).
- A merge or a predicate overwrite from an old snapshot fails with CommitFailedError as soon as another commit touched
  files inside its predicate, and succeeds when it did not: so `commits.commit_with_retries` repeats the work from a
  fresh snapshot.
- When two processes create a table at once, the slower one's rows are silently appended (seen in 31 of 40 races)
  unless the commit may not be retried; a moment later it gets a plain DeltaError instead of a CommitFailedError.
- A merge casts its source silently to the stored types (1.5 becomes 1 in an integer column):
  `rows.cast_to_stored_types` refuses that.
- s3:// works through the same calls, with the variables named in io/storage.py. Commits need an object store with
  conditional puts (If-None-Match).
"""
