-- SPDX-License-Identifier: GPL-3.0-or-later
-- The objects that hold the most; by size where retained sizes are not known.
SELECT o.addr AS addr, o.retained AS retained, o.size AS size, o.native AS native, t.name AS type, v.text AS value
FROM (SELECT DISTINCT addr FROM largest) l
JOIN object o ON o.addr = l.addr
LEFT JOIN type t ON t.id = o.type
LEFT JOIN value v ON v.addr = o.addr
