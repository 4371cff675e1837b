-- Largest objects, :by size or retained. what: the value, or who refers to it where there is none.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT addr, type, bytes, coalesce(value, '← ' || referrer) AS what, value, referrer
FROM (
	SELECT
		l.rank AS rank,
		l.addr AS addr,
		t.name AS type,
		l.bytes AS bytes,
		v.text AS value,
		coalesce((
			SELECT coalesce(nullif(r.label, '') || ' of ', '') || rt.name
			FROM reference r
			CROSS JOIN object ro ON ro.addr = r.src
			CROSS JOIN type rt ON rt.id = ro.type
			WHERE r.dst = l.addr AND r.kind = 'strong'
			LIMIT 1
		), (
			SELECT 'root: ' || kind || coalesce(' ' || nullif(label, ''), '') FROM root
			WHERE root.addr = l.addr
			LIMIT 1
		)) AS referrer
	FROM largest l
	LEFT JOIN object o ON o.addr = l.addr
	LEFT JOIN type t ON t.id = o.type
	LEFT JOIN value v ON v.addr = l.addr
	WHERE l.by = :by
)
ORDER BY rank
