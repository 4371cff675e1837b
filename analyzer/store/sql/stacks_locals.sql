-- All local variables, frame by frame.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT l.name, l.addr, coalesce(l.text, v.text) AS text, l.thread, l.depth
FROM local l
LEFT JOIN value v ON v.addr = l.addr
ORDER BY l.thread, l.depth, l.id
