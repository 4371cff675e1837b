-- SPDX-License-Identifier: GPL-3.0-or-later
-- All that is recorded of the dump.
SELECT key, value FROM meta
