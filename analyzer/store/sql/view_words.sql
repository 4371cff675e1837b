-- SPDX-License-Identifier: GPL-3.0-or-later
-- Words that a command line may be completed to: names of classes, tables and columns.
SELECT name FROM (SELECT DISTINCT name FROM type WHERE count > 0 ORDER BY count DESC LIMIT 20000)
UNION
SELECT name FROM sqlite_schema WHERE type = 'table'
UNION
SELECT c.name FROM sqlite_schema s, pragma_table_info(s.name) c WHERE s.type = 'table'
UNION
VALUES ('reference'), ('src'), ('dst'), ('instance'), ('preview')
