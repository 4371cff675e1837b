-- Whose memory the address :addr is: an object at it or right behind its head, or the owner of a part.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT object.addr AS addr, type.name AS type
FROM object JOIN type ON type.id = object.type
WHERE object.addr = coalesce(
    (SELECT addr FROM object WHERE addr >= :addr AND addr <= :addr + 48 ORDER BY addr LIMIT 1),
    (SELECT owner FROM part WHERE part.addr = :addr))
