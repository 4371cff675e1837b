-- Containers with room for at least four times what they hold, and the bytes that the rest takes. Of those of 1 KiB and more:
-- a smaller one has nothing to win.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT c.type AS type, c.addr AS addr, c.items AS items, c.size AS size, c.size - c.least AS bytes
FROM (
	-- least: bytes of one that is just large enough; a dict is full at two thirds, 24 bytes an entry and its index.
	SELECT b.addr, b.type, b.size, b.refs / b.per_item AS items,
		64 + CAST(b.refs / b.per_item * b.item_size AS INTEGER) AS least
	FROM (
		SELECT o.addr, t.name AS type, o.size, k.per_item, k.item_size,
			(SELECT count(*) FROM reference r WHERE r.src = o.addr AND r.kind <> 'type') AS refs
		FROM (
			SELECT 'list' AS name, 1 AS per_item, 8.0 AS item_size
			UNION ALL SELECT 'dict', 2, 40.0
			UNION ALL SELECT 'set', 1, 27.0
		) k
		JOIN type t ON t.name IN ('builtins.' || k.name, '__builtin__.' || k.name)
		CROSS JOIN instance i ON i.type = t.id
		CROSS JOIN object o ON o.addr = i.addr
		WHERE o.size >= 1024
	) b
) c
WHERE c.least * 4 <= c.size
ORDER BY bytes DESC, c.addr
