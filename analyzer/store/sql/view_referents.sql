-- SPDX-License-Identifier: GPL-3.0-or-later
-- What an object, :addr, refers to.
SELECT r.rowid AS id, r.dst AS addr, :addr AS src, r.label AS label, r.kind AS kind, t.name AS type, o.size AS size,
    o.retained AS retained, v.text AS value
FROM reference r
LEFT JOIN object o ON o.addr = r.dst
LEFT JOIN type t ON t.id = o.type
LEFT JOIN value v ON v.addr = r.dst
WHERE r.src = :addr
