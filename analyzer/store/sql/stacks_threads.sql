-- All threads.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, tid, ident, addr, name, state, gil, daemon, interpreter, exception, exception_addr, retained FROM thread ORDER BY id
