-- Figures of the objects from :first to :last, in order of addresses.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT type, size, native, distance FROM object WHERE addr BETWEEN :first AND :last ORDER BY addr
