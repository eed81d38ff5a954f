-- The target tables of the pipeline. Safe to run again.
--
-- Times are BIGINT on purpose: the source sends DATETIME2 as nanoseconds since 1970 (time.precision.mode=adaptive), and a
-- BIGINT column keeps them exactly. __deleted marks rows whose source row is gone (delete.handling.mode=rewrite); the sink adds
-- __op by itself (auto.evolve=true).
CREATE TABLE IF NOT EXISTS customers (
    id INTEGER PRIMARY KEY,
    name VARCHAR(200),
    email VARCHAR(200),
    created_at BIGINT,
    updated_at BIGINT,
    __deleted VARCHAR(10)
);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER,
    order_date BIGINT,
    total_amount NUMERIC(10,2),
    status VARCHAR(50),
    __deleted VARCHAR(10)
);
CREATE TABLE IF NOT EXISTS line_items (
    id INTEGER PRIMARY KEY,
    order_id INTEGER,
    product_name VARCHAR(200),
    quantity INTEGER,
    unit_price NUMERIC(10,2),
    __deleted VARCHAR(10)
);
CREATE TABLE IF NOT EXISTS schema_test (
    id INTEGER PRIMARY KEY,
    name VARCHAR(200),
    created_at BIGINT,
    __deleted VARCHAR(10)
);
CREATE TABLE IF NOT EXISTS test_customers (
    id INTEGER PRIMARY KEY,
    name VARCHAR(200),
    email VARCHAR(200),
    created_at BIGINT,
    updated_at BIGINT,
    __deleted VARCHAR(10)
);
