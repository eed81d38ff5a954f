--: what two databases in one connector, each with positions of its own
--: variant both provide.transaction.metadata=true
--: variant later snapshot.mode=schema_only

CREATE TABLE dbo.items (id INT NOT NULL PRIMARY KEY, name VARCHAR(10));
--: capture dbo.items
INSERT INTO dbo.items VALUES (1, 'first');
--: database databases2
CREATE TABLE dbo.items (id INT NOT NULL PRIMARY KEY, name VARCHAR(10), more INT);
--: capture dbo.items
INSERT INTO dbo.items VALUES (1, 'second', 2);

--: stream
--: database databases2
INSERT INTO dbo.items VALUES (2, 'two', NULL);
--: database databases
--: transaction
UPDATE dbo.items SET name = 'one';
INSERT INTO dbo.items VALUES (2, 'new');
--: database databases2
DELETE FROM dbo.items WHERE id = 1;
