-- SPDX-License-Identifier: GPL-3.0-or-later
-- A thread, :thread, as lines of label and value; object is what a line is about.
WITH h AS (SELECT * FROM thread WHERE id = :thread),
fact(id, label, value, unit, object) AS (
    SELECT 1, 'thread', coalesce(name, 'thread ' || id) || coalesce(', tid ' || tid, '')
        || coalesce(printf(', ident 0x%x', ident), '') || CASE WHEN daemon THEN ', daemon' ELSE '' END
        || CASE WHEN interpreter > 0 THEN ', interpreter ' || interpreter ELSE '' END, NULL, NULL FROM h
    UNION ALL SELECT 2, 'state', state, NULL, NULL FROM h
    UNION ALL SELECT 3, 'GIL', CASE gil WHEN 'held' THEN 'has it' WHEN 'waiting' THEN 'waits for it' END, NULL, NULL FROM h
    UNION ALL SELECT 4, 'retained', retained, 'bytes', NULL FROM h
    UNION ALL SELECT 5, 'runs', (SELECT count(*) || ' tasks' FROM task t WHERE t.thread = h.id HAVING count(*) > 0), NULL,
        NULL FROM h
    UNION ALL SELECT 6, 'deals with', coalesce(exception, printf('the exception at 0x%x', exception_addr)), NULL,
        nullif(exception_addr, 0) FROM h WHERE exception IS NOT NULL OR exception_addr <> 0
    UNION ALL SELECT 7 + depth, 'raised in', coalesce(qualname, function, '?')
        || coalesce('  ' || file || coalesce(':' || line, ''), ''), NULL, NULL
    FROM traceback WHERE thread = :thread
)
SELECT id, label, value, unit, object FROM fact WHERE value IS NOT NULL
