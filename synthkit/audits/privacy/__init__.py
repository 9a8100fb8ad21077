"""What can an attacker learn from the table about the people behind it?"""
