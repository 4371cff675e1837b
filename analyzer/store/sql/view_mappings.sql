-- SPDX-License-Identifier: GPL-3.0-or-later
-- The address space of the process.
SELECT id, start, bytes, dumped, perms, kind, path FROM mapping
