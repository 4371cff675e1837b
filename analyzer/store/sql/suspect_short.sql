-- Objects with more owners than their count says: how many, and the one that retains most. Garbage is no owner here: words that somebody
-- left behind may look like an object, and own as much as it did. Nor is a tuple that the collector does not track and only C code holds:
-- cPickle's two_tuple (2.7) is filled "with no regard to refcounts".
-- SPDX-License-Identifier: GPL-3.0-or-later
WITH short AS (
	SELECT o.addr, o.type, o.refcount, o.retained, s.owners - (
		SELECT count(*) FROM reference r CROSS JOIN object w ON w.addr = r.src
		WHERE r.dst = s.addr AND r.kind IN ('strong', 'type') AND (w.distance = 0 OR (
			w.flags & 3 = 1 AND w.referrers = 0 AND
			w.type = (SELECT id FROM type WHERE name = '__builtin__.tuple')))) AS owners
	FROM short_count s JOIN object o ON o.addr = s.addr
)
SELECT s.addr AS addr, s.retained AS retained, t.name AS type, s.refcount AS refcount, s.owners AS owners,
	(SELECT count(*) FROM short WHERE owners > refcount) AS count
FROM short s
LEFT JOIN type t ON t.id = s.type
WHERE s.owners > s.refcount
ORDER BY s.retained DESC, s.addr
LIMIT 1
