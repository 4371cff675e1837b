-- SPDX-License-Identifier: GPL-3.0-or-later
-- The object at :addr in one line.
SELECT preview(:addr) AS value
