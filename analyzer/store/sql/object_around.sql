-- The object that :addr lies in, behind its first byte.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT o.addr, t.name
FROM (SELECT addr, type, size FROM object WHERE addr < :addr ORDER BY addr DESC LIMIT 1) o
LEFT JOIN type t ON t.id = o.type
WHERE :addr < o.addr + o.size
