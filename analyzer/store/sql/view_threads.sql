-- SPDX-License-Identifier: GPL-3.0-or-later
-- Threads with the function each is in, without the directory of its file.
SELECT t.id AS id, coalesce(t.name, 'thread ' || t.id) AS name, t.tid AS tid, t.gil AS gil, t.state AS state,
    t.retained AS retained,
    (SELECT coalesce(f.qualname, f.function) || coalesce('  ' || replace(f.file, rtrim(f.file, replace(f.file, '/', '')), '')
        || coalesce(':' || f.line, ''), '')
     FROM frame f WHERE f.thread = t.id ORDER BY f.kind IS NOT 'python', f.depth LIMIT 1) AS at
FROM thread t
