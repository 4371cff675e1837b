-- What was odd in the dump.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, stage, addr, message FROM warning ORDER BY id
