-- SPDX-License-Identifier: GPL-3.0-or-later
-- What keeps objects alive from outside of the graph.
SELECT r.id AS id, r.kind AS kind, r.label AS label, r.addr AS addr, t.name AS type, o.retained AS retained,
    v.text AS value
FROM root r
LEFT JOIN object o ON o.addr = r.addr
LEFT JOIN type t ON t.id = o.type
LEFT JOIN value v ON v.addr = r.addr
