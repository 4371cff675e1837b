-- Threads that came, went, moved or did not.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, tid, name, change, state, at_a, at_b
FROM thread
