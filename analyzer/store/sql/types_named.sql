-- Types that a user may mean by :name, in full or in short, or by their address :addr.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, name, addr, count
FROM type
WHERE name = :name
	OR addr = :addr
	OR (
		substr(name, -length(:name) - 1) = '.' || :name
		AND NOT EXISTS (SELECT 1 FROM type WHERE name = :name)
	)
ORDER BY count DESC, name
