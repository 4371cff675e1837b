-- SPDX-License-Identifier: GPL-3.0-or-later
-- What a task, :task, is suspended in, innermost first: each awaits the one above it. object is the coroutine, of a
-- greenlet's frame its code.
SELECT depth, coalesce(qualname, function, '?') AS function, coalesce(file, '') || coalesce(':' || line, '') AS place,
    addr, coalesce(addr, code) AS object
FROM task_frame
WHERE task = :task
