-- What rules found worth saying, the most important first.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, rule, title, detail, bytes, addr FROM finding ORDER BY id
