-- SPDX-License-Identifier: GPL-3.0-or-later
-- What the threads were doing all together, as lines of label and value.
WITH n AS (
    SELECT count(*) AS threads, count(coalesce(addr, ident)) AS python, coalesce(sum(gil = 'waiting'), 0) AS waiting,
        group_concat(CASE WHEN gil = 'held' THEN coalesce(name, 'thread ' || tid) END, ', ') AS holders
    FROM thread
),
fact(id, label, value) AS (
    SELECT 1, 'threads', threads || CASE WHEN python < threads THEN ', ' || python || ' of Python' ELSE '' END
    FROM n WHERE threads > 0
    UNION ALL SELECT 2, 'GIL', coalesce(holders || CASE WHEN instr(holders, ', ') THEN ' have it' ELSE ' has it' END,
        'nobody has it') || CASE WHEN waiting THEN '; ' || waiting || ' of ' || python || ' wait for it' ELSE '' END
    FROM n WHERE python > 0
    UNION ALL SELECT 10 + id, 'note', message FROM warning WHERE stage = 'threads'
    UNION ALL SELECT 1000000000 + row_number() OVER (ORDER BY n DESC, state), n || ' ×', state
    FROM (SELECT count(*) AS n, coalesce(state, 'in a state that is not known') AS state FROM thread GROUP BY state)
)
SELECT id, label, value FROM fact
