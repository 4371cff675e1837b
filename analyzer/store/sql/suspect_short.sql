-- Objects with more owners than their count says: how many, and the one that retains most.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT s.addr AS addr, o.retained AS retained, t.name AS type, o.refcount AS refcount, s.owners AS owners,
	count(*) OVER () AS count
FROM short_count s JOIN object o ON o.addr = s.addr
LEFT JOIN type t ON t.id = o.type
WHERE s.owners > o.refcount
ORDER BY o.retained DESC, s.addr
LIMIT 1
