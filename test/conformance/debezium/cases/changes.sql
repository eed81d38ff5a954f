--: what every kind of change, with and without a key
--: variant plain
--: variant quiet tombstones.on.delete=false skipped.operations=u include.schema.changes=false
--: variant transactions provide.transaction.metadata=true snapshot.mode=schema_only
--: variant beats heartbeat.interval.ms=300

CREATE TABLE dbo.people (id INT NOT NULL PRIMARY KEY, name NVARCHAR(40) NOT NULL, note VARCHAR(20));
CREATE TABLE dbo.keyless (a INT, b VARCHAR(10));
--: capture dbo.people
--: capture dbo.keyless
INSERT INTO dbo.people VALUES (1, N'Ada', 'first'), (2, N'Bob', NULL), (3, N'Çelik', '');
INSERT INTO dbo.keyless VALUES (1, 'x'), (NULL, NULL);

--: stream
INSERT INTO dbo.people VALUES (4, N'Dora', 'streamed');
--: transaction
UPDATE dbo.people SET note = 'changed' WHERE id = 2;
UPDATE dbo.people SET id = 30 WHERE id = 3;
DELETE FROM dbo.people WHERE id = 1;
--: transaction
INSERT INTO dbo.keyless VALUES (2, 'y');
UPDATE dbo.keyless SET b = 'z' WHERE a = 1;
INSERT INTO dbo.people VALUES (5, N'Eve', NULL);
DELETE FROM dbo.keyless WHERE a = 2;
