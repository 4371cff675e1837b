-- SPDX-License-Identifier: GPL-3.0-or-later
-- Local variables of a frame, :thread and :depth.
SELECT l.id AS id, l.name AS name, l.addr AS addr, t.name AS type, o.retained AS retained,
    coalesce(l.text, v.text) AS value
FROM local l
LEFT JOIN object o ON o.addr = l.addr
LEFT JOIN type t ON t.id = o.type
LEFT JOIN value v ON v.addr = l.addr
WHERE l.thread = :thread AND l.depth = :depth
