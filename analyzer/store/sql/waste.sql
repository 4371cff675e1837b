-- Equal values of immutable types, and what all but one of each take: the 1000 that take most.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT t.name AS type, d.addr AS addr, d.count AS count, d.bytes AS bytes, preview(d.addr) AS value
FROM duplicate d
JOIN object o ON o.addr = d.addr
JOIN type t ON t.id = o.type
WHERE d.kind = 'equal'
ORDER BY d.rank
