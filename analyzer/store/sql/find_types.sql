-- Types whose name contains :text, the most numerous first.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT addr, 'type' AS type, name AS matched, count || ' objects' AS value
FROM type
WHERE instr(lower(name), lower(:text)) > 0
ORDER BY count DESC, id
