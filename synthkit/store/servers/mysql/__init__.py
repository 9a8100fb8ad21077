"""Tables in MySQL and MariaDB: all of a publication appear at one instant, by one RENAME TABLE."""
