-- SPDX-License-Identifier: GPL-3.0-or-later
-- Local variables of a suspended coroutine, :addr: its own references, or before Python 3.11 those of its frame.
SELECT r.rowid AS id, substr(r.label, 8, length(r.label) - 8) AS name, r.dst AS addr, t.name AS type,
    o.retained AS retained, v.text AS value
FROM (
    SELECT :addr AS src
    UNION ALL SELECT dst FROM reference WHERE src = :addr AND label GLOB '.??_frame'
) f
JOIN reference r ON r.src = f.src AND r.label GLOB 'local *'
LEFT JOIN object o ON o.addr = r.dst
LEFT JOIN type t ON t.id = o.type
LEFT JOIN value v ON v.addr = r.dst
