-- Objects whose value contains :text, in ASCII letters of either case; '' is in every one.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT v.addr AS addr, t.name AS type, v.text AS matched, v.text AS value
FROM value v
LEFT JOIN object o ON o.addr = v.addr
LEFT JOIN type t ON t.id = o.type
WHERE instr(lower(v.text), lower(:text)) > 0
ORDER BY v.addr
