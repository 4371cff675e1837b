-- Objects whose reference count is not that of the references and roots that were found: what has fewer than own it first.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT c.addr, t.name AS type, c.refcount, c.found, c.roots, c.more, c.retained, v.text AS value
FROM (
	SELECT o.addr, o.type, o.refcount, s.owners AS found, 0 AS roots, o.refcount - s.owners AS more, o.retained
	FROM short_count s JOIN object o ON o.addr = s.addr
	WHERE s.owners > o.refcount
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
LEFT JOIN value v ON v.addr = c.addr
ORDER BY c.more > 0, c.retained DESC, c.addr
