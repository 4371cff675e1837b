-- The objects that retain most.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT l.addr, t.name AS type, o.size, o.retained, preview(o.addr) AS value
FROM largest l
JOIN object o ON o.addr = l.addr
LEFT JOIN type t ON t.id = o.type
WHERE l.by = 'retained'
ORDER BY l.rank
