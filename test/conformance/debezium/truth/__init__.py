"""Records of the unmodified Debezium connector, kept as files, and connectd held against them. See ../README.md."""
