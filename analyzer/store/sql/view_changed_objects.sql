-- SPDX-License-Identifier: GPL-3.0-or-later
-- Objects of the class :class, or of all, that are in one snapshot alone.
SELECT o.id, o.side, o.addr, o.verdict, o.size, o.retained, c.name AS type
FROM object o
JOIN class c ON c.id = o.class
WHERE :class IS NULL OR c.name = :class
