-- SPDX-License-Identifier: GPL-3.0-or-later
-- Where the fields of CPython's structures lie, and who said so.
SELECT field, offset, source, disagrees FROM layout
