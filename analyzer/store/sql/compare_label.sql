-- The number of a fixed name of references.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id FROM label WHERE text = :text LIMIT 1
