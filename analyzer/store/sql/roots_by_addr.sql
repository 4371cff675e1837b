-- Roots in order of addresses.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT addr, kind FROM root WHERE addr IS NOT NULL ORDER BY addr, id
