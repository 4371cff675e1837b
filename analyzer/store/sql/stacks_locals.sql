-- All local variables, frame by frame, with what the objects they hold retain.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT l.name, l.addr, coalesce(l.text, v.text) AS text, l.thread, l.depth, o.retained
FROM local l
LEFT JOIN value v ON v.addr = l.addr
LEFT JOIN object o ON o.addr = l.addr
ORDER BY l.thread, l.depth, l.id
