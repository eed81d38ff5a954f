--: what composite keys, unique indexes in place of keys, no key, message.key.columns and what a changed key does
--: variant own provide.transaction.metadata=true
--: variant chosen message.key.columns=dbo.plain:name;dbo.keyless:b,a;keys.dbo.orders:note,region;dbo.orders:nr
--: variant excluded column.exclude.list=dbo.orders.region,dbo.plain.id snapshot.mode=schema_only
--: variant partitioned topic.creation.default.partitions=4 topic.creation.default.replication.factor=1 table.include.list=dbo.orders,dbo.plain,dbo.zz_marker

CREATE TABLE dbo.orders (region VARCHAR(10) NOT NULL, amount DECIMAL(8,2), nr INT NOT NULL, note NVARCHAR(20), CONSTRAINT pk_orders PRIMARY KEY (nr, region));
CREATE TABLE dbo.plain (name NVARCHAR(20), id INT IDENTITY(10,5) NOT NULL PRIMARY KEY);
CREATE TABLE dbo.keyless (a INT, b VARCHAR(10), c INT);
CREATE TABLE dbo.uniques (a INT NOT NULL, b INT NULL, c INT NOT NULL);
CREATE UNIQUE INDEX ux_b ON dbo.uniques (c, b);
CREATE UNIQUE INDEX ux_a ON dbo.uniques (a);
CREATE TABLE dbo.sorted (a INT NOT NULL, b INT NOT NULL);
CREATE UNIQUE INDEX aa ON dbo.sorted (a);
CREATE UNIQUE CLUSTERED INDEX zz ON dbo.sorted (b);
CREATE TABLE dbo.stamped (at DATETIME2(3) NOT NULL, price DECIMAL(6,3) NOT NULL, raw VARBINARY(4) NOT NULL, uid UNIQUEIDENTIFIER NOT NULL, v INT, PRIMARY KEY (at, price, raw, uid));
--: capture dbo.orders
--: capture dbo.plain
--: capture dbo.keyless
--: capture dbo.uniques
--: capture dbo.sorted
--: capture dbo.stamped
INSERT INTO dbo.orders VALUES ('north', 1.10, 1, N'a'), ('south', 2.20, 1, N'b'), ('north', 3.30, 2, NULL);
INSERT INTO dbo.plain (name) VALUES (N'x'), (N'y'), (NULL);
INSERT INTO dbo.keyless VALUES (1, 'one', 1), (NULL, 'two', 2), (3, NULL, 3);
INSERT INTO dbo.uniques VALUES (1, NULL, 1), (2, 2, 2);
INSERT INTO dbo.sorted VALUES (1, 10), (2, 20);
INSERT INTO dbo.stamped VALUES ('2024-01-01 00:00:00.5', 1.5, 0x01, '6F9619FF-8B86-D011-B42D-00C04FC964FF', 1);

--: stream
UPDATE dbo.orders SET amount = 9.99 WHERE nr = 1 AND region = 'north';
UPDATE dbo.orders SET note = N'other' WHERE nr = 1;
UPDATE dbo.orders SET region = 'west' WHERE nr = 2;
--: transaction
UPDATE dbo.plain SET name = N'xx' WHERE id = 10;
UPDATE dbo.keyless SET c = 11 WHERE c = 1;
UPDATE dbo.keyless SET a = 22 WHERE c = 2;
UPDATE dbo.uniques SET b = 5 WHERE a = 1;
UPDATE dbo.uniques SET a = 20 WHERE a = 2;
UPDATE dbo.sorted SET a = 100 WHERE b = 10;
UPDATE dbo.sorted SET b = 200 WHERE a = 2;
UPDATE dbo.stamped SET v = 2;
UPDATE dbo.stamped SET price = 2.5;
--: transaction
DELETE FROM dbo.orders WHERE nr = 1;
DELETE FROM dbo.keyless WHERE c = 3;
DELETE FROM dbo.plain WHERE id = 15;
DELETE FROM dbo.uniques WHERE a = 1;
INSERT INTO dbo.plain (name) VALUES (N'z');
