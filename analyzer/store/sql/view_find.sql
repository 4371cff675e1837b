-- SPDX-License-Identifier: GPL-3.0-or-later
-- Objects whose value contains :text, in ASCII letters of either case.
SELECT v.addr AS addr, t.name AS type, o.retained AS retained, v.text AS value
FROM value v
LEFT JOIN object o ON o.addr = v.addr
LEFT JOIN type t ON t.id = o.type
WHERE instr(lower(v.text), lower(:text)) > 0
