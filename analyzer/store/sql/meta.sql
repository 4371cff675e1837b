-- What the dump is and how it was loaded.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT key, value FROM meta ORDER BY key
