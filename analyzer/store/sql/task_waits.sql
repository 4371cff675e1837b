-- Which task waits for which.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT task, awaited FROM task_wait ORDER BY task, awaited
