-- What kinds of root the object at :addr is.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT kind, label, doubt FROM root WHERE addr = :addr ORDER BY id
