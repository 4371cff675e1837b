-- SPDX-License-Identifier: GPL-3.0-or-later
-- Threads that came, went, moved or did not.
SELECT id, change, name, tid, at_a, at_b, state, CASE change WHEN 'gone' THEN 'A' ELSE 'B' END AS document
FROM thread
