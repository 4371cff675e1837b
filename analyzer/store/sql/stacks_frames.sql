-- All frames, innermost first, thread by thread.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT kind, function, qualname, file, line, "column", addr, code, thread, depth, library FROM frame ORDER BY thread, depth, id
