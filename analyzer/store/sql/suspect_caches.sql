-- functools.lru_cache wrappers that retain at least :least bytes: entries counts the references of their dict, two for each
-- entry; links those to the list that only a bounded cache has.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT o.addr AS addr, o.retained AS retained,
	(SELECT count(*) FROM reference r JOIN reference e ON e.src = r.dst
		WHERE r.src = o.addr AND r.label = '.cache' AND e.kind <> 'type') / 2 AS entries,
	(SELECT count(*) FROM reference r WHERE r.src = o.addr AND r.label = ' lru_cache link') AS links
FROM type t
CROSS JOIN instance i ON i.type = t.id
CROSS JOIN object o ON o.addr = i.addr
WHERE t.name = 'functools._lru_cache_wrapper' AND o.retained >= :least
ORDER BY o.retained DESC
