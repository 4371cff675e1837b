-- Objects that may have more owners than their count says, with their owners. Garbage is no owner here: words that somebody left behind may look
-- like an object, and own as much as it did.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT o.addr, o.type, o.refcount, o.retained, s.owners - (
	SELECT count(*) FROM reference r CROSS JOIN object w ON w.addr = r.src
	WHERE r.dst = s.addr AND r.kind IN ('strong', 'type') AND w.distance = 0) AS owners
FROM short_count s JOIN object o ON o.addr = s.addr
