-- What the collector found and did not dare to free: the list gc.garbage, and what it alone keeps alive.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT o.addr AS addr, o.retained AS retained,
	(SELECT count(*) FROM reference r WHERE r.src = o.addr AND r.kind <> 'type') AS count
FROM object o
WHERE o.addr = coalesce(
	(SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'gc_garbage'),
	(SELECT addr FROM root WHERE kind = 'C global' AND label = 'garbage')
)
