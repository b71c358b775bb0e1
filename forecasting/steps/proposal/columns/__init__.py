"""What the columns of a table are, by their names and their content: date, sales, series, drivers, periods."""
