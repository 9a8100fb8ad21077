"""Tables that hang together, and rows that follow one another: a plan for each entity, then its rows one by one."""
