-- SPDX-License-Identifier: GPL-3.0-or-later
-- Who refers to an object, :addr; a type's instances, which all do, are left out.
SELECT r.rowid AS id, r.src AS addr, :addr AS dst, r.label AS label, r.kind AS kind, t.name AS type, o.size AS size,
    o.retained AS retained, v.text AS value
FROM reference r
LEFT JOIN object o ON o.addr = r.src
LEFT JOIN type t ON t.id = o.type
LEFT JOIN value v ON v.addr = r.src
WHERE r.dst = :addr AND r.kind <> 'type'
