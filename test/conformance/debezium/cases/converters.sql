--: what the JSON converter's settings, and transforms on the way to Kafka
--: variant bare key.converter=org.apache.kafka.connect.json.JsonConverter value.converter=org.apache.kafka.connect.json.JsonConverter key.converter.schemas.enable=false value.converter.schemas.enable=false value.converter.decimal.format=NUMERIC
--: variant numeric key.converter=org.apache.kafka.connect.json.JsonConverter value.converter=org.apache.kafka.connect.json.JsonConverter value.converter.decimal.format=NUMERIC value.converter.replace.null.with.default=false
--: variant unwrapped transforms=u transforms.u.type=io.debezium.transforms.ExtractNewRecordState transforms.u.add.fields=op,source.ts_ms,transaction.id,lsn,table:t transforms.u.delete.handling.mode=rewrite transforms.u.add.headers=db,op provide.transaction.metadata=true
--: variant dropped transforms=u transforms.u.type=io.debezium.transforms.ExtractNewRecordState transforms.u.drop.tombstones=false
--: variant routed transforms=r transforms.r.type=io.debezium.transforms.ByLogicalTableRouter transforms.r.topic.regex=(.*)orders_(.*) transforms.r.topic.replacement=$1all_orders
--: variant renamed transforms=r,m transforms.r.type=org.apache.kafka.connect.transforms.RegexRouter transforms.r.regex=(.*)\.dbo\.(.*) transforms.r.replacement=$1.$2 transforms.m.type=org.apache.kafka.connect.transforms.InsertField$Value transforms.m.static.field=site transforms.m.static.value=north

CREATE TABLE dbo.orders_north (id INT NOT NULL PRIMARY KEY, price DECIMAL(10,2), note VARCHAR(20) DEFAULT 'none', raw VARBINARY(4), at DATETIME2(3) NOT NULL);
CREATE TABLE dbo.orders_south (id INT NOT NULL PRIMARY KEY, price DECIMAL(10,2), note VARCHAR(20) DEFAULT 'none', raw VARBINARY(4), at DATETIME2(3) NOT NULL);
--: capture dbo.orders_north
--: capture dbo.orders_south
INSERT INTO dbo.orders_north VALUES (1, 1.50, NULL, 0x01, '2024-01-01');
INSERT INTO dbo.orders_south VALUES (1, -1.00, 'x', NULL, '2024-01-01 00:00:00.5');

--: stream
--: transaction
INSERT INTO dbo.orders_north VALUES (2, NULL, NULL, NULL, '2024-01-02');
UPDATE dbo.orders_south SET price = 100, note = NULL WHERE id = 1;
DELETE FROM dbo.orders_north WHERE id = 1;
