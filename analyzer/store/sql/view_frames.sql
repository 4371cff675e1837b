-- SPDX-License-Identifier: GPL-3.0-or-later
-- The stack of a thread, :thread, innermost first, without the interpreter's own frames; start: one would look there first.
SELECT thread, depth, kind, coalesce(qualname, function, '?') AS function,
    coalesce(file, library, '') || coalesce(':' || line, '') AS place, code, kind IS 'python' AS start
FROM frame
WHERE thread = :thread AND kind IS NOT 'interpreter'
