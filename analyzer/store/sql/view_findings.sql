-- SPDX-License-Identifier: GPL-3.0-or-later
-- What the rules found.
SELECT id, rule, title, bytes, addr FROM finding
