-- Names of all types.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, name FROM type ORDER BY id
