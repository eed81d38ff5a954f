--: what large values that an update leaves alone, changes, empties
--: variant plain
--: variant text binary.handling.mode=hex

CREATE TABLE dbo.documents (id INT NOT NULL PRIMARY KEY, title VARCHAR(20), body VARCHAR(MAX), wide NVARCHAR(MAX), raw VARBINARY(MAX), doc XML, old TEXT, oldn NTEXT, pic IMAGE);
CREATE TABLE dbo.strict (id INT NOT NULL PRIMARY KEY, n INT, body NVARCHAR(MAX) NOT NULL, raw VARBINARY(MAX) NOT NULL);
--: capture dbo.documents
--: capture dbo.strict
INSERT INTO dbo.documents VALUES (1, 'one', REPLICATE(CAST('b' AS VARCHAR(MAX)), 9000), N'wide', 0x0102, N'<d>1</d>', 'old', N'oldn', 0x03), (2, 'two', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO dbo.strict VALUES (1, 1, N'body', 0x01);

--: stream
UPDATE dbo.documents SET title = 'ONE' WHERE id = 1;
UPDATE dbo.documents SET body = 'short', raw = 0xFF WHERE id = 1;
UPDATE dbo.documents SET wide = NULL, doc = NULL WHERE id = 1;
UPDATE dbo.documents SET body = '', wide = N'now', pic = 0x99 WHERE id = 2;
UPDATE dbo.documents SET id = 3 WHERE id = 1;
DELETE FROM dbo.documents WHERE id = 2;
UPDATE dbo.strict SET n = 2;
UPDATE dbo.strict SET body = N'new body';
DELETE FROM dbo.strict;
