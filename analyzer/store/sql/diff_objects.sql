-- Objects that are in one snapshot alone.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT o.id, o.side, o.addr, c.name AS class, o.change, o.verdict, o.confidence, o.size, o.retained
FROM object o
JOIN class c ON c.id = o.class
