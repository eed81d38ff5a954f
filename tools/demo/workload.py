"""What happens in the source database: an ordinary shop, in transactions that touch several tables."""

import random

FIRST = "Ada Grace Alan Edsger Barbara Donald Frances Ken Margaret Dennis Radia Linus Hedy Niklaus Karen Tony".split()
LAST = "Lovelace Hopper Turing Dijkstra Liskov Knuth Allen Thompson Hamilton Ritchie Perlman Torvalds Lamarr Wirth Jones Hoare".split()
PRODUCTS = "Tea,Notebook,Lamp,Kettle,Pencil,Compass,Globe,Clock,Crème brûlée set,Mug — large".split(",")
STATUSES = ("new", "paid", "packed", "shipped")


class Shop:
    """All changes go through one connection; commit() after each transaction. Keeps count of what it did."""

    def __init__(self, connection, seed=20):
        self.connection, self.cursor = connection, connection.cursor()
        self.random = random.Random(seed)
        self.customers, self.orders, self.items = [], [], []
        self.inserts = self.updates = self.deletes = self.transactions = 0

    def run(self, statement, args=None):
        self.cursor.execute(statement, args)

    def insert(self, statement, args):
        self.run(statement + "; SELECT CAST(SCOPE_IDENTITY() AS INT)", args)
        self.inserts += 1
        return self.cursor.fetchone()[0]

    def commit(self):
        self.connection.commit()
        self.transactions += 1

    def name(self):
        return f"{self.random.choice(FIRST)} {self.random.choice(LAST)}"

    def purchase(self):
        """A new customer, an order, its lines: one transaction over three tables."""
        name = self.name()
        email = None if self.random.random() < 0.1 else f"{name.lower().replace(' ', '.')}{len(self.customers)}@example.org"
        customer = self.insert("INSERT INTO dbo.customers (name, email) VALUES (%s, %s)", (name, email))
        lines = [(self.random.choice(PRODUCTS), self.random.randint(1, 5), self.random.randint(100, 9999)) for _ in range(self.random.randint(1, 4))]
        total = sum(quantity * cents for _, quantity, cents in lines)
        order = self.insert(
            "INSERT INTO dbo.orders (customer_id, total_amount, status) VALUES (%s, CAST(%s AS DECIMAL(10,2)), %s)",
            (customer, money(total), "new"),
        )
        for product, quantity, cents in lines:
            self.items.append(self.insert(
                "INSERT INTO dbo.line_items (order_id, product_name, quantity, unit_price) VALUES (%s, %s, %s, CAST(%s AS DECIMAL(10,2)))",
                (order, product, quantity, money(cents)),
            ))
        self.commit()
        self.customers.append(customer)
        self.orders.append(order)

    def progress_order(self):
        self.run(
            "UPDATE dbo.orders SET status = %s WHERE id = %s", (self.random.choice(STATUSES[1:]), self.random.choice(self.orders))
        )
        self.run(
            "UPDATE dbo.customers SET email = %s, updated_at = GETDATE() WHERE id = %s",
            (f"moved{self.updates}@example.org", self.random.choice(self.customers)),
        )
        self.updates += 2
        self.commit()

    def return_item(self):
        self.run("DELETE FROM dbo.line_items WHERE id = %s", (self.items.pop(self.random.randrange(len(self.items))),))
        self.deletes += 1
        self.commit()

    def change_of_mind(self):
        """A transaction that is rolled back: nothing of it may arrive."""
        self.run("UPDATE dbo.customers SET name = 'must never arrive' WHERE id = %s", (self.random.choice(self.customers),))
        self.run("DELETE FROM dbo.line_items WHERE id = %s", (self.items[0],))
        self.connection.rollback()

    def day(self, purchases, on_progress):
        """A mix of all of it."""
        for n in range(purchases):
            self.purchase()
            if n % 3 == 2:
                self.progress_order()
            if n % 5 == 4:
                self.return_item()
            if n % 20 == 19:
                self.change_of_mind()
            on_progress(self)


def money(cents):
    return f"{cents // 100}.{cents % 100:02d}"


def burst(connection, rows, per_statement=1000, on_progress=None):
    """Plain inserts of small rows, 1000 to a statement and 10,000 to a transaction."""
    cursor = connection.cursor()
    for start in range(0, rows, per_statement):
        values = ",".join(f"(N'Customer {n}', N'c{n}@example.org', GETDATE())" for n in range(start, min(start + per_statement, rows)))
        cursor.execute("INSERT INTO dbo.test_customers (name, email, updated_at) VALUES " + values)
        if (start // per_statement) % 10 == 9 or start + per_statement >= rows:
            connection.commit()
        if on_progress is not None:
            on_progress(min(start + per_statement, rows))
