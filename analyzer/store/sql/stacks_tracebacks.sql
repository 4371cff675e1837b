-- Where the exceptions that threads deal with were raised, thread by thread, the outermost call first.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT thread, function, qualname, file, line FROM traceback ORDER BY thread, depth, id
