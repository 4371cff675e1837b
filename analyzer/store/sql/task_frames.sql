-- Stacks of all tasks, innermost first, task by task.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT task, function, qualname, file, line, addr, code FROM task_frame ORDER BY task, depth
