-- SPDX-License-Identifier: GPL-3.0-or-later
-- What was odd in the dump.
SELECT id, stage, addr, message FROM warning
