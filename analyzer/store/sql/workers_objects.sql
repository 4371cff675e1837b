-- Objects in order of addresses.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT addr, flags FROM object ORDER BY addr
