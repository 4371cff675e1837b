-- Ids of the types called :name, in full or without the module, or that lie at :addr.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id FROM type
WHERE name = :name OR substr(name, -length(:name) - 1) = '.' || :name OR (:addr <> 0 AND addr = :addr)
ORDER BY id
