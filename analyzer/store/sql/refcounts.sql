-- Objects whose reference count is higher than the references and roots that were found.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT c.addr, t.name AS type, c.refcount, c.referrers AS found, c.roots,
	c.refcount - c.referrers - c.roots AS more, c.retained, v.text AS value
FROM (
	SELECT o.addr, o.type, o.refcount, o.referrers, o.retained,
		(SELECT count(*) FROM root WHERE root.addr = o.addr AND root.kind <> 'implied') AS roots
	FROM object o
	WHERE o.refcount > o.referrers AND o.flags & 12 = 0
) c
LEFT JOIN type t ON t.id = c.type
LEFT JOIN value v ON v.addr = c.addr
WHERE c.refcount - c.referrers > c.roots
ORDER BY c.retained DESC, c.addr
