--: what operations that are left out, and how transactions are told
--: marker update
--: variant inserts skipped.operations=c provide.transaction.metadata=true
--: variant deletes skipped.operations=d,t tombstones.on.delete=false provide.transaction.metadata=true
--: variant none skipped.operations=none snapshot.mode=schema_only provide.transaction.metadata=true

CREATE TABLE dbo.a (id INT NOT NULL PRIMARY KEY, v INT);
CREATE TABLE dbo.b (id INT NOT NULL PRIMARY KEY, v INT);
CREATE TABLE dbo.other (id INT NOT NULL PRIMARY KEY);
--: capture dbo.a
--: capture dbo.b
INSERT INTO dbo.a VALUES (1, 1);

--: stream
--: transaction
INSERT INTO dbo.a VALUES (2, 2), (3, 3);
INSERT INTO dbo.b VALUES (2, 2);
UPDATE dbo.a SET v = 22 WHERE id = 2;
UPDATE dbo.b SET v = v + 1;
DELETE FROM dbo.a WHERE id = 3;
INSERT INTO dbo.other VALUES (1);
--: transaction
INSERT INTO dbo.other VALUES (2);
--: transaction
UPDATE dbo.a SET id = 9 WHERE id = 2;
DELETE FROM dbo.b;
