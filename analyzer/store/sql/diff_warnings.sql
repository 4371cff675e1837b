-- What keeps a comparison from being whole.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT message
FROM warning
ORDER BY id
