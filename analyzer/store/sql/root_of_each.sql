-- Of several roots of an object the first of those that are the surest: a word that may own nothing says less than one that does.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT r.id, r.addr, r.kind, r.label
FROM (SELECT addr, min(id + CASE WHEN doubt > 0 THEN 1000000000000 ELSE 0 END) % 1000000000000 AS id FROM root GROUP BY addr) first
CROSS JOIN root r ON r.id = first.id
