-- The type object of the type :type, where it is among the objects.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT o.addr FROM type t JOIN object o ON o.addr = t.addr WHERE t.id = :type
