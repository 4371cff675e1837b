-- SPDX-License-Identifier: GPL-3.0-or-later
-- The stack of a thread, :thread, innermost first.
SELECT thread, depth, kind, coalesce(qualname, function, '?') AS function,
    coalesce(file, '') || coalesce(':' || line, '') AS place, code
FROM frame
WHERE thread = :thread
