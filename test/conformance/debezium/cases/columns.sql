--: what column filters, masks, hashes, truncation, source types as parameters
--: variant included column.include.list=dbo.people.id,dbo.people.name,dbo.zz_marker.*
--: variant excluded column.exclude.list=.*.note,dbo.people.born skip.messages.without.change=true
--: variant masked column.mask.with.4.chars=dbo.people.name,columns.dbo.people.note column.mask.with.0.chars=.*code,.*uid column.truncate.to.3.chars=dbo.people.wide,dbo.people.fixed
--: variant hashed column.mask.hash.SHA-256.with.salt.CzQMA0cB5K=dbo.people.name,.*note column.mask.hash.v2.SHA-1.with.salt.pepper=dbo.people.fixed,dbo.people.code,dbo.people.uid
--: variant first column.mask.hash.MD5.with.salt.x=.* column.mask.hash.v2.SHA-512.with.salt.y=.*wide,.*note column.mask.with.2.chars=.*note,.*uid column.truncate.to.4.chars=.*uid,.*name
--: variant parameters column.propagate.source.type=dbo.people.name,.*.amount datatype.propagate.source.type=columns.dbo.people.DATE,.*.NCHAR,.*INT.*
--: variant instance table.include.list=dbo.partial,dbo.zz_marker

CREATE TABLE dbo.people (id INT NOT NULL PRIMARY KEY, name NVARCHAR(40) NOT NULL, note VARCHAR(20), born DATE, amount DECIMAL(8,3), fixed CHAR(6), wide NVARCHAR(MAX), code NCHAR(8), uid UNIQUEIDENTIFIER);
CREATE TABLE dbo.partial (id INT NOT NULL PRIMARY KEY, kept INT, dropped INT, last VARCHAR(5));
--: capture dbo.people
--: capture dbo.partial id,kept,last as some_columns
INSERT INTO dbo.people VALUES (1, N'Ada Lovelace', 'first', '1815-12-10', 1.5, 'abcdef', N'wide text', N'c1', '6F9619FF-8B86-D011-B42D-00C04FC964FF'), (2, N'B', NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, N'☃☃☃☃☃', '', NULL, NULL, 'ab', N'😀😀😀', N'ü', NULL);
INSERT INTO dbo.partial VALUES (1, 2, 3, 'x');

--: stream
--: transaction
UPDATE dbo.people SET note = 'changed' WHERE id = 1;
UPDATE dbo.people SET name = N'Bob' WHERE id = 2;
UPDATE dbo.people SET born = '2000-01-01' WHERE id = 3;
INSERT INTO dbo.people VALUES (4, N'Dora', 'streamed', '2001-02-03', -0.001, 'xyz', REPLICATE(N'w', 100), N'code', '00000000-0000-0000-0000-000000000001');
DELETE FROM dbo.people WHERE id = 1;
UPDATE dbo.partial SET dropped = 4;
UPDATE dbo.partial SET kept = 5;
INSERT INTO dbo.partial VALUES (2, 3, 4, NULL);
