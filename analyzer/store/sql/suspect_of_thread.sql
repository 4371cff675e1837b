-- Is the object at :addr a local variable or a frame of the thread :id?
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT EXISTS (SELECT 1 FROM local WHERE thread = :id AND addr = :addr) OR EXISTS (SELECT 1 FROM frame WHERE thread = :id AND addr = :addr)
