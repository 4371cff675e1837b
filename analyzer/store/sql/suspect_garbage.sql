-- What the collector found and did not dare to free: the list gc.garbage, and what it alone keeps alive.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT o.addr AS addr, o.retained AS retained,
	(SELECT count(*) FROM reference r WHERE r.src = o.addr AND r.kind <> 'type') AS count
FROM root
JOIN object o ON o.addr = root.addr
WHERE root.label = 'gc.garbage' OR (root.label = 'garbage' AND root.kind = 'C global')
LIMIT 1
