-- Objects whose reference count is not that of the references and roots that were found: what has fewer than own it first.
-- SPDX-License-Identifier: GPL-3.0-or-later
-- The limit keeps SQLite from looking into objects before it has sorted them.
SELECT addr, type, refcount, found, roots, more, retained, preview(addr) AS value
FROM (
SELECT c.addr, t.name AS type, c.refcount, c.found, c.roots, c.more, c.retained
FROM (
	SELECT addr, type, refcount, owners AS found, 0 AS roots, refcount - owners AS more, retained
	FROM ( -- as in suspect_short: garbage is no owner
		SELECT o.addr, o.type, o.refcount, o.retained, s.owners - (
			SELECT count(*) FROM reference r CROSS JOIN object w ON w.addr = r.src
			WHERE r.dst = s.addr AND r.kind IN ('strong', 'type') AND (w.distance = 0 OR (
				w.flags & 3 = 1 AND w.referrers = 0 AND
				w.type = (SELECT id FROM type WHERE name = '__builtin__.tuple')))) AS owners
		FROM short_count s JOIN object o ON o.addr = s.addr
	)
	WHERE owners > refcount
	UNION ALL
	SELECT addr, type, refcount, referrers, roots, refcount - referrers - roots, retained
	FROM (
		SELECT o.addr, o.type, o.refcount, o.referrers, o.retained,
			(SELECT count(*) FROM root WHERE root.addr = o.addr AND root.kind <> 'implied') AS roots
		FROM object o
		WHERE o.refcount > o.referrers AND o.flags & 12 = 0
	)
	WHERE refcount - referrers > roots
) c
LEFT JOIN type t ON t.id = c.type
ORDER BY c.more > 0, c.retained DESC, c.addr
LIMIT -1
)
